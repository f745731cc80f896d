"""Errors that a user sees as one line instead of a traceback."""

import json
import re
import signal
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from ressl_tf.runtime.file_names import printable

MOST_LETTERS = 200  # of another library's reason, within a line of ours


class _OneLineError(Exception):
    """An error that a notebook shows as its message alone, on one line.

    Names of files in it may hold line breaks, or bytes that are no text.
    """

    def __str__(self) -> str:
        return printable(super().__str__())

    def _render_traceback_(self) -> list[str]:  # which IPython asks for
        return [f"{type(self).__name__}: {self}"]


class UsageError(_OneLineError, ValueError):
    """An invalid flag, argument or input: exit status 2.

    The message is one line: what was received, what is allowed, what to do.
    """


class RunError(_OneLineError, RuntimeError):
    """A failure of a run whose flags are valid: exit status 1."""


class Interrupted(Exception):  # noqa: N818, it is no error
    """A run that stopped on request after saving: exit status 143, 138 or 130.

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

    def show(self, stdout: TextIO) -> None:
        """Print the JSON line to `stdout`, and to stderr how to go on."""
        print(json.dumps({"interrupted": True, **self.result}), file=stdout, flush=True)
        print(f"{self}; the same command goes on from here", file=sys.stderr)


def reason_of(error: BaseException) -> str:
    """Return what an error says itself, in one line.

    Keras wraps it in the layer in which it was raised, and in the arguments there.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("Arguments received by")[0]
    text = re.split(r"\w+ encountered(?: during deserialization)?: ", text)[-1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(line.endswith("in user code:") for line in lines):
        lines = lines[-1:]
    lines = [line for line in lines if not line.startswith("Exception encountered")]
    return _shortened(" ".join(" ".join(lines).split())) or type(error).__name__


def _shortened(text: str) -> str:
    """Cut a text of over 200 letters behind a sentence, or else behind a word."""
    if len(text) <= MOST_LETTERS:
        return text
    start = text[:MOST_LETTERS]
    sentences = start.rpartition(". ")[0]
    return f"{sentences}." if sentences else f"{start.rpartition(' ')[0] or start} ..."
