"""A command line of the package in a process of its own."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from ressl_tf.errors import RunError


def run(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Runs `python -m module`: a fresh TensorFlow, of which no memory or seed is left.

    Its progress goes to stderr. When this process is interrupted, so is that one.

    Returns:
        The last line of its stdout.

    Raises:
        RunError: one line that says why it failed.
        KeyboardInterrupt: when it was interrupted.
    """
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as out:
        pipes = {"stdout": out, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, text=True, errors="replace", **pipes) as child:
            try:
                said = _forward(child.stderr)
            except BaseException:
                child.kill()  # what it has on disk is whole
                raise
        if child.returncode in (130, -signal.SIGINT):
            raise KeyboardInterrupt
        if child.returncode:
            reason = _reason(child.returncode, said)
            raise RunError(f"{module.removeprefix('ressl_tf.')}: {reason}")
        out.seek(0)
        return json.loads(out.read().splitlines()[-1])


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
