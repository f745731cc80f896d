"""Names that a user may have meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; the nearest: a, b", the end of a refusal; empty where none is near.

    Args:
        name: what was received.
        known: what there is.
    """
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; the nearest: {', '.join(close)}" if close else ""
