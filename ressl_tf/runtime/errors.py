"""Errors that a user sees as one line instead of a traceback."""

import signal
from collections.abc import Mapping
from typing import Any


class UsageError(ValueError):
    """An invalid flag, argument or input: exit status 2.

    The message is one line: what was received, what is allowed, what to do.
    """


class RunError(RuntimeError):
    """A failure of a run whose flags are valid: exit status 1."""


class Interrupted(Exception):  # noqa: N818, it is no error
    """A run that stopped on request after saving its state: exit status 143 or 130.

    Args:
        message: what was stopped, and by what.
        result: further entries of the JSON line.
        by: name of the signal that asked for it.
    """

    def __init__(
        self,
        message: str,
        result: Mapping[str, Any] | None = None,
        by: str = "SIGINT",
    ):
        super().__init__(message)
        self.result, self.by = dict(result or {}), by

    @property
    def status(self) -> int:
        """The exit status, as a shell has it of a process that the signal ended."""
        return 128 + signal.Signals[self.by]
