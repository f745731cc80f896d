"""Checks of what a user gives to a model in Python."""

from collections.abc import Sequence

from ressl_tf.runtime.errors import UsageError


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a constructor's argument that is none of those allowed."""
    if value not in allowed:
        raise UsageError(
            f"{name} must be one of {', '.join(allowed)}. Received: {value}"
        )
