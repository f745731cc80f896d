"""A run of training in one process after another, each killed at a moment drawn."""

import dataclasses
import json
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import resources

ROOT = pathlib.Path(__file__).parents[2]
LONG, SHORT = 3.0, 0.5  # of the mean time between kills: one of five lives long
ONE_OF = 5
ENDS_BY = {  # signal -> what a process may end with: saved, or ended at once
    signal.SIGTERM: (128 + signal.SIGTERM, -signal.SIGTERM),  # TensorFlow is loaded
    signal.SIGKILL: (-signal.SIGKILL,),
}
SLOWEST_END = 600  # seconds that a process may take to save and end


@dataclasses.dataclass(frozen=True)
class Ended:
    """A process that ended: how, and by which signal, if by one.

    A run that is killed ends as its signal says, and any other with 0.
    """

    status: int
    killed: signal.Signals | None = None

    @property
    def well(self) -> bool:
        """Whether it ended as it should."""
        return self.status in (ENDS_BY[self.killed] if self.killed else (0,))


class KilledRun:
    """A run in processes that go on from each other, watched from outside.

    Args:
        folder: of the run; its standard error is added to a file beside it.
        flags: of `ressl_tf.train`.
        log: takes a row for each sample and kill.
        every: seconds between samples.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        flags: Sequence[str],
        log: Callable[[dict[str, Any]], None],
        every: float,
    ):
        self.folder, self.flags, self.log, self.every = folder, flags, log, every
        self.started, self.number = time.monotonic(), 0

    def live(self, seconds: float, end: signal.Signals) -> Ended:
        """Run a process until it ends by itself, or is killed after so many seconds."""
        process, begun = self._start(), time.monotonic()
        for left in _until(begun + seconds):
            self.log(self._sample(process.pid))
            try:
                return Ended(process.wait(min(left, self.every)))
            except subprocess.TimeoutExpired:
                continue
        self.log({**self._now(), "killed": end.name})
        process.send_signal(end)
        return Ended(process.wait(SLOWEST_END), end)

    def _start(self) -> subprocess.Popen:
        self.number += 1
        words = ["-m", "ressl_tf.train", *self.flags, f"--workdir={self.folder}"]
        with open(f"{self.folder}.log", "a") as said:
            return subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stdout=said, stderr=said
            )

    def _now(self) -> dict[str, Any]:
        minutes = (time.monotonic() - self.started) / 60
        return {"minutes": round(minutes, 3), "process": self.number}

    def _sample(self, pid: int) -> dict[str, Any]:
        disk = {"disk_mb": resources.of_folder(self.folder)}
        taken = {**resources.of_process(pid), **disk, **last_row(self.folder)}
        return {**self._now(), **taken}


def last_row(folder: pathlib.Path) -> dict[str, Any]:
    """Return epoch, step and speed of a run's newest row; epoch 0 without one."""
    path = folder / "metrics.jsonl"
    rows = path.read_text().splitlines() if path.is_file() else []
    newest = json.loads(rows[-1]) if rows else {"epoch": 0, "step": 0}
    names = ("epoch", "step", "images_per_second")
    return {name: newest[name] for name in names if name in newest}


def lives(seed: int, mean_minutes: float) -> Iterator[tuple[float, signal.Signals]]:
    """Draw how many seconds each process lives, and what ends it.

    Most are short and one of five is long, whose memory can be followed. Times are
    exponential: a kill comes at any moment, also while TensorFlow is loaded.
    """
    draw = random.Random(seed)
    while True:
        scale = LONG if draw.randrange(ONE_OF) == 0 else SHORT
        seconds = draw.expovariate(1) * scale * 60 * mean_minutes
        yield seconds, draw.choice(list(ENDS_BY))


def _until(end: float) -> Iterator[float]:
    """Yield the seconds that are left, until none are."""
    while (left := end - time.monotonic()) > 0:
        yield left
