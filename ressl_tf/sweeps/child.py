"""A command line of the package in a process of its own."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import SIGNALS, Watch

STOPPED = (130, *(-number for number in SIGNALS))  # by a signal, in its first seconds


def run(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Runs `python -m module`: a fresh TensorFlow, of which no memory or seed is left.

    Its progress goes to stderr. A signal that asks this process to stop is passed on.

    Returns:
        The last line of its stdout.

    Raises:
        RunError: one line that says why it failed.
        Interrupted: when it was asked to stop.
    """
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as out:
        pipes = {"stdout": out, "stderr": subprocess.PIPE}
        with (
            subprocess.Popen(command, text=True, errors="replace", **pipes) as child,
            Watch(child.send_signal) as watch,
        ):
            try:
                said = _forward(child.stderr)
            except BaseException:
                child.kill()  # what it has on disk is whole
                raise
        if child.returncode and (watch.asked or child.returncode in STOPPED):
            raise Interrupted(f"{module} was stopped before it began to work")
        if child.returncode:
            reason = _reason(child.returncode, said)
            raise RunError(f"{module.removeprefix('ressl_tf.')}: {reason}")
        out.seek(0)
        result = json.loads(out.read().splitlines()[-1])
    if result.get("interrupted"):
        raise Interrupted(f"{module} was stopped", result)
    return result


def _forward(lines: Iterable[str]) -> str:
    """Shows the lines on stderr; returns the last that says something."""
    last = ""
    for line in lines:
        print(line, end="", file=sys.stderr, flush=True)
        last = line.strip() or last
    return last


def _reason(status, said) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return said.removeprefix("error: ").removesuffix(" (--help lists all flags)")
