"""Locks on files, where the platform has `fcntl`, `msvcrt` or neither."""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from ressl_tf.runtime import lock


@pytest.fixture(params=["fcntl", "msvcrt", "neither"])
def platform(request, monkeypatch):
    """Take away the modules that a platform does not have."""
    if request.param != "fcntl":
        monkeypatch.setattr(lock, "fcntl", None)
        windows = Windows(monkeypatch) if request.param == "msvcrt" else None
        monkeypatch.setattr(lock, "msvcrt", windows)
    return request.param


class Windows:
    """A stand-in for `msvcrt`: closing a file unlocks it."""

    LK_NBLCK = 2

    def __init__(self, monkeypatch):
        self.locked = {}  # descriptor -> file
        close = os.close
        monkeypatch.setattr(
            lock.os, "close", lambda fd: (self.locked.pop(fd, None), close(fd))
        )

    def locking(self, descriptor, mode, size):
        assert (mode, size) == (self.LK_NBLCK, 1)
        file = os.fstat(descriptor).st_ino
        if file in self.locked.values():
            raise PermissionError(13, "Permission denied")
        self.locked[descriptor] = file


def test_a_lock_is_held_until_it_is_released(platform, tmp_path):
    path = tmp_path / "lock"
    release = lock.acquire(path)
    for _ in range(2):
        with pytest.raises(lock.LockHeldError):
            lock.acquire(path)
    release()
    lock.acquire(path)()
    left = [] if platform == "neither" else ["lock"]
    assert [file.name for file in tmp_path.iterdir()] == left


def test_the_module_is_imported_without_fcntl(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("without_fcntl", lock.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fcntl is None
    module.acquire(tmp_path / "lock")()


def test_the_lock_of_a_dead_process_is_taken_over(monkeypatch, tmp_path):
    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(lock, "msvcrt", None)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path = tmp_path / "lock.pid"
    path.write_text(str(dead.pid))
    release = lock.acquire(tmp_path / "lock")
    assert path.read_text() == str(os.getpid())
    release()
    for holder in (str(os.getppid()), "1", "", "a name"):
        path.write_text(holder)
        with pytest.raises(lock.LockHeldError):
            lock.acquire(tmp_path / "lock")


def test_without_posix_a_process_is_taken_for_alive(monkeypatch):
    """There `os.kill` would end it."""
    monkeypatch.setattr(lock, "os", SimpleNamespace(name="nt"))
    assert lock._is_alive("123456789")


def test_a_lock_that_is_held_is_waited_for(platform, tmp_path):
    path, told = tmp_path / "lock", []
    release = lock.acquire(path)

    def waits():
        told.append(time.monotonic())
        threading.Timer(0.3, release).start()

    acquired = lock.acquire_when_free(path, waits)
    assert 0.3 <= time.monotonic() - told[0] < 10
    acquired()
    lock.acquire_when_free(path, waits)()
    assert len(told) == 1
