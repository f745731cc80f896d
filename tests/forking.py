"""Command lines in processes of their own that share one import of TensorFlow.

It takes six seconds, half of what many a command takes here. A server has imported
TensorFlow and forks for each command; the package itself is imported by each anew, as
`python -m` would, and each ends as Python ends. The server reads lines of JSON: an
object starts a command, a number asks how the process of this id is.
"""

import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]


class Process:
    """A command that runs; the calls are those of `subprocess.Popen`."""

    def __init__(self, ask, command, folder):
        self._ask, self.returncode = ask, None
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        for path in (self.stdout, self.stderr):
            path.touch()  # for who reads before the process has begun
        self.pid = ask({**command, "out": str(self.stdout), "err": str(self.stderr)})

    def poll(self):
        if self.returncode is None:
            self.returncode = self._ask(self.pid)
        return self.returncode

    def send_signal(self, number):
        assert self.poll() is None, self.stderr.read_text()
        os.kill(self.pid, number)

    def communicate(self, timeout=900):
        """Waits for its end; returns what it said on stdout and on stderr."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(self.stderr.read_text())
            time.sleep(0.03)
        return self.stdout.read_text(), self.stderr.read_text()


class Commands:
    """The server, and what asks it. `folder` takes the output of the commands."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        # The level is the commands' own, who cannot set it any more.
        env = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
        with open(folder / "server", "w") as log:
            self.server = subprocess.Popen(
                [sys.executable, __file__], env=env, stderr=log, **pipes
            )

    def _ask(self, question):
        print(json.dumps(question), file=self.server.stdin, flush=True)
        return json.loads(self.server.stdout.readline())

    def start(self, module, *flags, cwd=ROOT):
        """`python -m ressl_tf.MODULE FLAGS` in the folder `cwd`."""
        folder = self.folder / str(len(self.started))
        folder.mkdir()
        command = {"module": f"ressl_tf.{module}", "flags": flags, "cwd": str(cwd)}
        self.started.append(Process(self._ask, command, folder))
        return self.started[-1]

    def run(self, module, *flags, cwd=ROOT, timeout=900):
        """As `start`, and waits: its status, stdout and stderr."""
        process = self.start(module, *flags, cwd=cwd)
        out, err = process.communicate(timeout)
        return process.returncode, out, err

    def close(self):
        """Ends the server, and what a test that failed has left running."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        self.server.stdin.close()
        self.server.wait(60)
        self.server.stdout.close()


def _become(module, flags, cwd, out, err):
    """Turns this process into the command; it ends by SystemExit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    append = os.O_WRONLY | os.O_APPEND
    for number, path in enumerate((os.devnull, out, err)):
        os.dup2(os.open(path, append if number else os.O_RDONLY), number)
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.argv = ["-m", *flags]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _status(process):
    """As `subprocess.Popen.returncode` has it: None while it runs."""
    found, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _serve():
    # Of both, no device may be in use when it forks.
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    while line := sys.stdin.readline():
        question = json.loads(line)
        if isinstance(question, int):
            answer = _status(question)
        elif not (answer := os.fork()):
            return question
        print(json.dumps(answer), flush=True)
    return None


if __name__ == "__main__":
    command = _serve()
    if command:
        _become(**command)
