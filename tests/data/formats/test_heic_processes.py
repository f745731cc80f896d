"""Processes that decode: what comes back, and what a dying one does to others."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ressl_tf.data.formats import heic_processes
from ressl_tf.data.formats.heic_processes import Child

# A stand-in: the first byte of a file says what becomes of it.
SCRIPT = """
import os, struct, sys, time
while head := sys.stdin.buffer.read(16):
    data = sys.stdin.buffer.read(struct.unpack("<QQ", head)[0])
    if data[:1] == b"k":
        os.kill(os.getpid(), 11)
    if data[:1] == b"x":
        sys.exit(3)
    if data[:1] == b"h":
        time.sleep(600)
    if data[:1] == b"l":  # an answer that promises more than was allowed
        sys.stdout.buffer.write(struct.pack("<QQQ", 1 << 40, 1 << 20, 3))
    elif data[:1] == b"r":
        sys.stdout.buffer.write(struct.pack("<QQQ", 0, 0, 4) + b"torn")
    else:
        values = data[1:] + bytes([os.getpid() % 256])
        sys.stdout.buffer.write(struct.pack("<QQQ", 1, len(values), 1) + values)
    sys.stdout.buffer.flush()
"""


@pytest.fixture(autouse=True)
def script(tmp_path, monkeypatch):
    """Let the stand-in decode, and end what it has left."""
    heic_processes.close()
    path = tmp_path / "child.py"
    path.write_text(SCRIPT)
    monkeypatch.setattr(heic_processes.heic_child, "__file__", str(path))
    yield
    heic_processes.close()


def test_a_process_is_used_again():
    first, second = (heic_processes.decode(b".ab", 100) for _ in range(2))
    np.testing.assert_array_equal(first, second)  # of the same process
    np.testing.assert_array_equal(first[0, :2, 0], [97, 98])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"k", "its decoder has ended by signal 11"),
        (b"x", "its decoder has ended with 3"),
        (b"l", "answers with what is no image"),
    ],
)
def test_a_process_that_dies_takes_one_image_along(data, reason):
    before = heic_processes.decode(b".", 100)
    with pytest.raises(ValueError, match=reason):
        heic_processes.decode(data, 100)
    after = heic_processes.decode(b".", 100)
    assert before.shape == after.shape == (1, 1, 1)


def test_a_file_that_cannot_be_decoded_costs_no_process():
    before = heic_processes.decode(b".", 100)
    with pytest.raises(ValueError, match=r"^torn$"):
        heic_processes.decode(b"r", 100)
    np.testing.assert_array_equal(heic_processes.decode(b".", 100), before)


def test_one_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(heic_processes, "SECONDS", 0.5)
    with pytest.raises(ValueError, match=r"was ended, after 0\.5 s or for its memory"):
        heic_processes.decode(b"h", 100)


def test_threads_have_processes_of_their_own():
    digits = [b"%d" % number for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        images = threads.map(lambda one: heic_processes.decode(b"." + one, 9), digits)
        assert [bytes(values[0, :1, 0]) for values in images] == digits


def test_ctrl_c_does_not_reach_it_and_the_end_of_stdin_ends_it():
    child = Child()
    process = child._process
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.stdin.close()
    deadline = time.monotonic() + 20
    while child.alive and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() == 0
    process.stdout.close()


def test_a_killed_run_leaves_none_behind(tmp_path):
    """The pipe of a process that is gone ends its decoders."""
    body = (
        "from ressl_tf.data.formats import heic_processes\n"
        f"heic_processes.heic_child.__file__ = {str(tmp_path / 'child.py')!r}\n"
        "heic_processes.decode(b'.', 9)\n"
        "print(heic_processes._idle.get()._process.pid, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    pid, deadline = int(done.stdout), time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")
