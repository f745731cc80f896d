"""Where caches are kept."""

import os
import pathlib


def default_folder() -> pathlib.Path:
    """Return `ressl_tf` in $XDG_CACHE_HOME, or in ~/.cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(caches, "ressl_tf").expanduser()
