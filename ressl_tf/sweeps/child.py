"""Run a command line of the package in a process of its own."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import SIGNALS, Watch

# Exit statuses of a process that a signal has stopped in its first seconds.
STOPPED = (130, *(-number for number in SIGNALS))


def run(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run `python -m module`, so that no memory or seed of TensorFlow is shared.

    Its progress goes to stderr. A signal that asks this process to stop is passed on.

    Args:
        module: Full name of the module.
        arguments: Its command-line arguments.

    Returns:
        The JSON object on the last line of its stdout.

    Raises:
        RunError: It failed; the message is one line.
        Interrupted: It was asked to stop.
    """
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as out:
        with (
            subprocess.Popen(
                command, stdout=out, stderr=subprocess.PIPE, text=True, errors="replace"
            ) as child,
            Watch(child.send_signal) as watch,
        ):
            last_line = _forward(child)
        if child.returncode and (watch.asked or child.returncode in STOPPED):
            raise Interrupted(f"{module} was stopped before it began to work")
        if child.returncode:
            reason = _reason(child.returncode, last_line)
            raise RunError(f"{module.removeprefix('ressl_tf.')}: {reason}")
        out.seek(0)
        result = json.loads(out.read().splitlines()[-1])
    if result.get("interrupted"):
        raise Interrupted(f"{module} was stopped", result)
    return result


def _forward(child: subprocess.Popen[str]) -> str:
    """Copy the process's stderr to ours; kill the process when that fails.

    Returns:
        The last line that is not empty.
    """
    try:
        return _copy_lines(child.stderr or ())
    except BaseException:
        child.kill()  # what it has on disk is whole
        raise


def _copy_lines(lines: Iterable[str]) -> str:
    last = ""
    for line in lines:
        print(line, end="", file=sys.stderr, flush=True)
        last = line.strip() or last
    return last


def _reason(status, last_line) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return last_line.removeprefix("error: ").removesuffix(" (--help lists all flags)")
