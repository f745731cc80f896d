"""Graceful preemption: stop at the next safe point on SIGTERM, SIGUSR1 or SIGINT."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from ressl_tf.runtime.deadline import Deadline
from ressl_tf.runtime.errors import Interrupted

# SIGUSR1 is what SLURM is asked to send before a job's time is over; Windows has none.
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGUSR1")
    if hasattr(signal, name)
)
# Seconds within which signals are one request: a terminal or a scheduler sends to
# parent and child alike, and the parent passes it on.
ONE_REQUEST = 1.0


class Watch:
    """A context where the first signal requests a stop and a second ends the process.

    The work inside polls `asked` at its safe points. Python delivers signals to the
    main thread alone; in any other thread `asked` stays empty.

    One inside another tells it of the request, too: what is outside stops next.

    Args:
        notify: called with the number of each signal.
        grace_seconds: after which a request of a scheduler ends the process although
            the work goes on, see `Deadline`; 0 for never.

    Attributes:
        asked: name of the signal that requested the stop; empty before.
        last_words: called in another thread when `grace_seconds` are over, with the
            signal's name; says what is kept.
    """

    def __init__(
        self,
        notify: Callable[[int], None] = lambda number: None,
        grace_seconds: float = 0.0,
    ):
        self.asked, self.notify = "", notify
        self.last_words: Callable[[str], Interrupted] = _overdue
        self._deadline = Deadline(grace_seconds, lambda name: self.last_words(name))
        self._before: dict[signal.Signals, Any] = {}  # signal -> its former handler
        self._since = 0.0  # time of the request

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._ask) for s in SIGNALS}
        self._deadline.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self._deadline.__exit__(None, None, None)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        self.notify(number)
        if self.asked and time.monotonic() > self._since + ONE_REQUEST:
            _end(number)
        self._note(signal.Signals(number).name, time.monotonic())

    def _note(self, name: str, since: float) -> None:
        """Keep the first request, here and in the watches around this one."""
        if not self.asked:
            self.asked, self._since = name, since
        for handler in self._before.values():
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, Watch):
                outer._note(name, since)


def _overdue(name: str) -> Interrupted:
    return Interrupted(
        f"{name} came, and the work at hand did not end in time", by=name
    )


def obey_as_first_process() -> None:
    """Let SIGTERM end this process where it is the first of a container.

    Linux gives process 1 no signal that it has no handler for.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


def _end(number: int) -> None:
    """End this process as the signal does by default."""
    if os.name != "nt":  # where `os.kill` makes the number the exit status
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(128 + number)  # as process 1 of a container, too, which no signal ends
