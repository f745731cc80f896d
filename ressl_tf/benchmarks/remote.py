"""Candidates in processes of their own: libraries that do not share threads well.

Such a process reads numbers of seconds from stdin, a line each, works so long and
answers with a line: its rate. If it can do several things, a line names one of them.

Other libraries are measured by scripts, which are part of the source checkout and not
of the installed package.
"""

import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence

from ressl_tf.runtime.errors import RunError, UsageError

SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"
TORCH_STEP = "bench_torch.py"
PEER_VIEWS = "bench_peers/peer_views.py"


class Remote:
    """A candidate in another process.

    Args:
        command: Starts the process.
        name: Its name in errors.
    """

    def __init__(self, command: Sequence[str], name: str):
        self.name = name
        self.process = subprocess.Popen(
            command,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, seconds: float, *which: str) -> float:
        """Return the rate over so many seconds, of `which` where there are several.

        Raises:
            RunError: The process has ended.
        """
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None
        assert answers is not None
        try:
            requests.write(" ".join([str(seconds), *which]) + "\n")
            requests.flush()
        except BrokenPipeError:
            raise self._failure() from None
        if not (rate := answers.readline()):
            raise self._failure()
        return float(rate)

    def _failure(self) -> RunError:
        lines = self.process.communicate()[1].strip().splitlines() or ["nothing said"]
        return RunError(f"the peer {self.name} failed: {lines[-1]}")

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def script(name: str) -> pathlib.Path | None:
    """Return the path of a script of the source checkout; None outside of one."""
    path = SCRIPTS / name
    return path if path.is_file() else None


def check_peers(peers: Sequence[str]) -> None:
    """Refuse peers that are named where no script measures them.

    Raises:
        UsageError: This is not a source checkout.
    """
    named = [peer for peer in peers if peer not in ("auto", "none")]
    if named and "auto" not in peers and not script(PEER_VIEWS):
        raise UsageError(
            "--peers need the source checkout, whose scripts measure them. Received: "
            f"--peers={','.join(named)}, and ressl_tf is installed without it"
        )


def peer(library: str, kind: str, size: int) -> Remote:
    """Start the views of another library."""
    command = [sys.executable, str(SCRIPTS / PEER_VIEWS), library, kind, str(size)]
    return Remote(command, library)


def answer(
    candidate: Callable[..., float], requests: Iterable[str] = sys.stdin
) -> None:
    """Run the candidate for each line; this is the other side of `Remote`."""
    for line in requests:
        seconds, *which = line.split()
        print(candidate(float(seconds), *which), flush=True)
