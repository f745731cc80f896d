"""The errors that a user sees as one line instead of a traceback."""

from collections.abc import Mapping
from typing import Any


class UsageError(ValueError):
    """A flag, argument or input that cannot be: exit status 2.

    The message is one line: what was received, what is allowed, what to do.
    """


class RunError(RuntimeError):
    """A run that was asked for correctly and failed: exit status 1."""


class Interrupted(Exception):  # noqa: N818, it is none
    """A run that was asked to stop and has saved what it did: exit status 0.

    Args:
        message: what was stopped, by what.
        result: what the JSON line says besides.
    """

    def __init__(self, message: str, result: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.result = dict(result or {})
