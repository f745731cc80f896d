"""Run a command line of the package in a process of its own."""

import contextlib
import functools
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import SIGNALS, Watch

# Exit statuses of a process that a signal has stopped, gracefully or at once.
STOPPED = {
    status: number.name for number in SIGNALS for status in (128 + number, -number)
}


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
            Watch(functools.partial(_pass_on, child)) as watch,
        ):
            last_line = _forward(child)
        out.seek(0)
        lines = out.read().splitlines()
    status = child.returncode
    if by := (watch.asked if status else "") or STOPPED.get(status):
        result = json.loads(lines[-1]) if lines else {}
        early = "" if result.get("interrupted") else " before it saved anything"
        raise Interrupted(f"{module} was stopped{early}", result, by)
    if status:
        reason = _reason(status, last_line)
        raise RunError(f"{module.removeprefix('ressl_tf.')}: {reason}")
    return json.loads(lines[-1])


def _pass_on(child: subprocess.Popen[str], number: int) -> None:
    """Send a signal to the process; on Windows Ctrl-C has reached it already."""
    with contextlib.suppress(ValueError):
        child.send_signal(number)


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
        named = {number.value: number.name for number in signal.Signals}
        return f"killed by {named.get(-status, -status)}"
    return last_line.removeprefix("error: ").removesuffix(" (--help lists all flags)")
