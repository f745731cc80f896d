"""SIGTERM and SIGINT as a request to stop in order, where the work is whole."""

import os
import signal
import threading
import time
from collections.abc import Callable

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Seconds within which signals are one request: a terminal or a scheduler sends to
# parent and child alike, and the parent passes it on.
ONE_REQUEST = 1.0


class Watch:
    """Within `with`, the first signal asks to stop, and a second ends the process.

    Whoever works looks at `asked` where its work is whole. In another thread than the
    main one, which Python gives no signals, nothing is ever asked.

    Args:
        notify: is told the number of each signal.

    Attributes:
        asked: name of the signal that asked, empty before.
    """

    def __init__(self, notify: Callable[[int], None] = lambda number: None):
        self.asked, self.notify = "", notify
        self._before, self._since = {}, 0.0

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._ask) for s in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        self.notify(number)
        if not self.asked:
            self.asked, self._since = signal.Signals(number).name, time.monotonic()
        elif time.monotonic() > self._since + ONE_REQUEST:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
