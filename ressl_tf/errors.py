"""The two errors that a user sees as one line instead of a traceback."""


class UsageError(ValueError):
    """A flag, argument or input that cannot be: exit status 2.

    The message is one line: what was received, what is allowed, what to do.
    """


class RunError(RuntimeError):
    """A run that was asked for correctly and failed: exit status 1."""
