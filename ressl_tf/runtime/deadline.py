"""End a process in time after a signal, whatever its main thread waits for."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence

from ressl_tf.runtime.errors import Interrupted

# Those of schedulers; a person at the keyboard (SIGINT) can ask again.
NAMES = ("SIGTERM", "SIGUSR1")


class Deadline:
    """A context that ends the process so many seconds after a scheduler's signal.

    Python runs handlers in the main thread, between two of its instructions: not while
    a step computes or a disk is waited for. The number of a signal is written into a
    socket at once, and a thread reads it there. The main thread blocks these signals
    meanwhile, since the kernel would wait for it, too: any other thread takes them, and
    the handlers run in the main thread as ever.

    Args:
        seconds: after the first signal; 0 for no end.
        last_words: takes the signal's name and says what is kept; called in the thread.
    """

    def __init__(self, seconds: float, last_words: Callable[[str], Interrupted]):
        self.seconds, self.last_words = seconds, last_words
        self._sockets: tuple[socket.socket, ...] = ()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Deadline":
        in_main = threading.current_thread() is threading.main_thread()
        if self.seconds and in_main:
            self._sockets = socket.socketpair()
            written = self._sockets[1]
            written.setblocking(False)
            self._before = signal.set_wakeup_fd(
                written.fileno(), warn_on_full_buffer=False
            )
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
            self._mask = _block(NAMES)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is None:
            return
        _restore(self._mask)
        signal.set_wakeup_fd(self._before)
        self._sockets[1].close()  # which the thread reads as the end
        self._thread.join()
        self._sockets[0].close()

    def _watch(self) -> None:
        if not (name := self._signal(None)):
            return
        end = time.monotonic() + self.seconds
        try:
            while self._signal(max(1e-3, end - time.monotonic())):
                pass  # a later one does not put the end off
        except TimeoutError:
            self._give_up(name)

    def _signal(self, timeout: float | None) -> str:
        """Return the name of the next signal of a scheduler; empty at the end.

        Raises:
            TimeoutError: there is none within so many seconds.
        """
        self._sockets[0].settimeout(timeout)
        while number := self._sockets[0].recv(1):
            if (name := signal.Signals(number[0]).name) in NAMES:
                return name
        return ""

    def _give_up(self, name: str) -> None:
        stop = self.last_words(name)
        stop.show(sys.__stdout__ or sys.stderr)
        os._exit(stop.status)


def _block(names: Sequence[str]) -> set[int]:
    """Block signals in this thread; return those that were blocked before."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        return set()
    return signal.pthread_sigmask(
        signal.SIG_BLOCK, [getattr(signal, name) for name in names]
    )


def _restore(blocked: set[int]) -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
