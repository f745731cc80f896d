"""Processes that decode HEIC files, so that a file made against the decoder ends them.

Its library is C++ that reads a format of many parts. What a process answers is numbers
and text alone: nothing of it is run or unpickled here.
"""

import atexit
import contextlib
import pathlib
import queue
import signal
import subprocess
import sys
import threading

import numpy as np

from ressl_tf.data.formats import heic_child
from ressl_tf.data.formats.heic_child import ANSWER, REQUEST

SECONDS = 60.0  # that one image may take; those of phones take half a second
MOST_BANDS = 4


class Child:
    """One process, which decodes one image at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(heic_child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the run, which finishes its step
        )

    def decode(self, data: bytes, most: int) -> np.ndarray:
        """Return the image, uint8 [height, width, bands].

        Raises:
            ValueError: it cannot be decoded, or the process has ended over it.
        """
        overdue = threading.Timer(SECONDS, self._process.kill)
        overdue.start()
        try:
            return self._answer(data, most)
        except (EOFError, BrokenPipeError):
            raise ValueError(self._end()) from None
        finally:
            overdue.cancel()

    @property
    def alive(self) -> bool:
        """Whether it can decode another one."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def _answer(self, data: bytes, most: int) -> np.ndarray:
        requests = self._process.stdin
        assert requests is not None
        requests.write(REQUEST.pack(len(data), most) + data)
        requests.flush()
        height, width, bands = ANSWER.unpack(self._read(ANSWER.size))
        if not height:
            raise ValueError(self._read(min(bands, 1000)).decode(errors="replace"))
        if height * width > most or not 1 <= bands <= MOST_BANDS:
            self.close()
            raise ValueError("its decoder answers with what is no image")
        values = self._read(height * width * bands)
        return np.frombuffer(values, np.uint8).reshape(height, width, bands)

    def _read(self, size: int) -> bytes:
        answers = self._process.stdout
        assert answers is not None
        data = answers.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _end(self) -> str:
        """Say how the process has ended, and close it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        status = self._process.poll()
        self.close()
        if status == -signal.SIGKILL:
            return f"its decoder was ended, after {SECONDS:g} s or for its memory"
        how = f"by signal {-status}" if status and status < 0 else f"with {status}"
        return f"its decoder has ended {how}"


_idle: "queue.SimpleQueue[Child]" = queue.SimpleQueue()


def decode(data: bytes, most: int) -> np.ndarray:
    """Decode in a process that is idle, or a new one: as many as threads ask.

    Returns:
        The primary image, uint8 [height, width, bands].

    Raises:
        ValueError: it has more pixels than `most`, or cannot be decoded.
    """
    try:
        child = _idle.get_nowait()
    except queue.Empty:
        child = Child()
    try:
        return child.decode(data, most)
    finally:
        if child.alive:
            _idle.put(child)


@atexit.register
def close() -> None:
    """End the idle processes."""
    with contextlib.suppress(queue.Empty):
        while True:
            _idle.get_nowait().close()
