"""Command lines in processes of their own that share one import of TensorFlow.

The import takes six seconds, half of what many a command takes here. The standard
library's fork server imports TensorFlow and Keras once and forks for each command; no
device is in use before the fork. Each command imports the package itself anew, as
`python -m` would.
"""

import multiprocessing
import os
import pathlib
import runpy
import signal
import sys

ROOT = pathlib.Path(__file__).parents[2]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tensorflow", "keras"])


class Command:
    """A command that runs; its methods are those of `subprocess.Popen`."""

    def __init__(self, module, flags, cwd, folder, first):
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        for path in (self.stdout, self.stderr):
            path.touch()  # for who reads before the process has begun
        given = (module, flags, str(cwd), str(self.stdout), str(self.stderr), first)
        self._process = FORKS.Process(target=_become, args=given, daemon=True)
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        """The exit status, minus the signal if one ended it; None while it runs."""
        return self._process.exitcode

    def poll(self):
        """Return the exit status, or None while the command runs."""
        return self.returncode

    def send_signal(self, number):
        """Send a signal to a command that must still run."""
        assert self.poll() is None, self.stderr.read_text()
        os.kill(self.pid, number)

    def communicate(self, timeout=900):
        """Wait for the end; return what was written to stdout and to stderr."""
        self._process.join(timeout)
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            raise TimeoutError(self.stderr.read_text())
        return self.stdout.read_text(), self.stderr.read_text()


class Commands:
    """Commands under test; `folder` takes their output."""

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def start(self, module, *flags, cwd=ROOT, first=None):
        """Start `python -m ressl_tf.MODULE FLAGS` in the folder `cwd`.

        The new process calls `first`, which can be pickled, before the command.
        """
        folder = self.folder / str(len(self.started))
        folder.mkdir()
        self.started.append(Command(f"ressl_tf.{module}", flags, cwd, folder, first))
        return self.started[-1]

    def run(self, module, *flags, cwd=ROOT, timeout=900):
        """Start a command and wait; return its status, stdout and stderr."""
        process = self.start(module, *flags, cwd=cwd)
        out, err = process.communicate(timeout)
        return process.returncode, out, err

    def close(self):
        """End what a failed test has left running."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def _become(module, flags, cwd, out, err, first):
    """Turn this process into the command; it ends by SystemExit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    os.chdir(cwd)
    tests = str(ROOT / "tests")
    path = [entry for entry in sys.path if not entry.startswith(tests)]
    sys.path[:] = [cwd, str(ROOT), *path]
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), before])
    if first:
        first()
    sys.argv = ["-m", *flags]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
