"""Contenders in processes of their own: libraries that do not share threads well.

Such a process reads numbers of seconds from stdin, a line each, works so long and
answers with a line: its rate. One that can do several things is told which.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence

from ressl_tf.runtime.errors import RunError


class Remote:
    """A contender that runs elsewhere.

    Args:
        command: starts the process.
        name: of it, for errors.
    """

    def __init__(self, command: Sequence[str], name: str):
        self.name = name
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(
            command, text=True, stderr=subprocess.PIPE, **pipes
        )

    def __call__(self, seconds: float, *which: str) -> float:
        """The rate over so many seconds, of `which` where it can do several things.

        Raises:
            RunError: the process has ended.
        """
        try:
            self.process.stdin.write(" ".join([str(seconds), *which]) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        if not (answer := self.process.stdout.readline()):
            raise self._failure()
        return float(answer)

    def _failure(self) -> RunError:
        said = self.process.communicate()[1].strip().splitlines() or ["nothing said"]
        return RunError(f"the peer {self.name} failed: {said[-1]}")

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()


class Peer(Remote):
    """The views of another library: see `peer_views`."""

    def __init__(self, library: str, kind: str, size: int):
        module = "ressl_tf.benchmarks.peer_views"
        super().__init__(
            [sys.executable, "-m", module, library, kind, str(size)], library
        )


def answer(
    contender: Callable[..., float], requests: Iterable[str] = sys.stdin
) -> None:
    """The other side: runs the contender for each line until there are no more."""
    for line in requests:
        seconds, *which = line.split()
        print(contender(float(seconds), *which), flush=True)
