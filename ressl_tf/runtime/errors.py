"""Errors that a user sees as one line instead of a traceback."""

from collections.abc import Mapping
from typing import Any


class UsageError(ValueError):
    """An invalid flag, argument or input: exit status 2.

    The message is one line: what was received, what is allowed, what to do.
    """


class RunError(RuntimeError):
    """A failure of a run whose flags are valid: exit status 1."""


class Interrupted(Exception):  # noqa: N818, it is no error
    """A run that stopped on request after saving its state: exit status 0.

    Args:
        message: what was stopped, and by what.
        result: further entries of the JSON line.
    """

    def __init__(self, message: str, result: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.result = dict(result or {})
