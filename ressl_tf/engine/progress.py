"""Progress of a run for people, on stderr: stages, steps, speed, time left."""

import contextlib
import contextvars
import logging
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

import keras

log = logging.getLogger("ressl_tf")
COLUMNS = 100  # of a terminal's line
REFRESH_SECONDS = 0.2  # between two states of it
NOTICEABLE_SECONDS = 1.0
KERAS_BAR = contextvars.ContextVar("KERAS_BAR", default=False)
SHOWN_ELSEWHERE = ("epoch", "step", "images_per_second", "epochs_per_second")


@contextlib.contextmanager
def keras_bar() -> Iterator[None]:
    """Show Keras's own progress bar in place of lines, as notebooks expect it."""
    token = KERAS_BAR.set(True)
    try:
        yield
    finally:
        KERAS_BAR.reset(token)


@contextlib.contextmanager
def stage(text: str) -> Iterator[None]:
    """Log what is being done, and how long it took, where that is noticeable."""
    started = time.perf_counter()
    waiting = threading.Timer(NOTICEABLE_SECONDS, log.info, ("%s ...", text))
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
    seconds = time.perf_counter() - started
    if seconds > NOTICEABLE_SECONDS:
        log.info("%s: %.1f s", text, seconds)


class Progress(keras.callbacks.Callback):
    """A callback that says how far a run is.

    In a terminal one line of `COLUMNS` is rewritten; elsewhere a line is added every
    `seconds`. The end of an epoch is a line with its metrics. The time that is left is
    that of the remaining steps at the speed so far, evaluations included; the first
    step, which compiles, does not count.

    Args:
        steps_per_epoch: of the data.
        last_step: of the run.
        seconds: between two lines where there is no terminal; 0 for none but the
            epochs' ends.
        stream: to write to; None for stderr.
    """

    def __init__(
        self,
        steps_per_epoch: int,
        last_step: int,
        seconds: float = 30.0,
        stream: TextIO | None = None,
    ):
        super().__init__()
        self.steps_per_epoch, self.last_step = steps_per_epoch, last_step
        self.seconds, self.stream = seconds, stream or sys.stderr
        self.in_terminal = self.stream.isatty()
        self.first: tuple[int, float] | None = None  # step and time of the first one
        self.told = 0.0

    def on_train_begin(self, logs=None) -> None:
        """Say that the first step compiles."""
        if self.first is None:
            self.begun = time.perf_counter()
            self._line("the first step compiles views and network ...")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Show the state of the run where it is time to."""
        now = time.perf_counter()
        if self.first is None:
            self.first, self.told = (self._step(), now), now
            self._line(f"first step after {now - self.begun:.1f} s")
        elif self.in_terminal and now - self.told >= REFRESH_SECONDS:
            self.told = now
            self.stream.write("\r" + self._state(logs, now).ljust(COLUMNS)[:COLUMNS])
            self.stream.flush()
        elif not self.in_terminal and self.seconds and now - self.told >= self.seconds:
            self.told = now
            self._line(time.strftime("%H:%M:%S ") + self._state(logs, now))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Show the metrics of the epoch."""
        metrics = {n: v for n, v in logs.items() if n not in SHOWN_ELSEWHERE}
        shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        self.told = time.perf_counter()
        start = "\r".ljust(COLUMNS) + "\r" if self.in_terminal else ""
        self._line(f"{start}{self._state(logs, self.told)}\n    {shown}")

    def _state(self, logs: dict[str, Any], now: float) -> str:
        """Return one line: loss, epoch, step, speed, time left; the loss first."""
        step = self._step()
        per_epoch, left = self.steps_per_epoch, self.last_step - step
        done = step % per_epoch or per_epoch
        parts = [
            f"loss {logs.get('loss', float('nan')):.4f}",
            f"epoch {-(-step // per_epoch)}/{-(-self.last_step // per_epoch)}",
            f"step {step:,}/{self.last_step:,}",
        ]
        if "images_per_second" in logs:
            parts.append(f"{logs['images_per_second']:,.0f} images/s")
        if seconds := self._seconds_per_step(step, now):
            epoch = min(per_epoch - done, left)
            times = as_time(epoch * seconds), as_time(left * seconds)
            parts.append("left: epoch {}, run {}".format(*times))
        return "  ".join(parts)

    def _seconds_per_step(self, step: int, now: float) -> float:
        assert self.first is not None
        taken = step - self.first[0]
        return (now - self.first[1]) / taken if taken else 0.0

    def _step(self) -> int:
        return int(self.model.step.numpy())

    def _line(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()


def as_time(seconds: float) -> str:
    """Format a time as 0:05, 12:30 or 3:00:00; in days from 100 hours on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours / 24:.1f} days"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
