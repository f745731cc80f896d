"""An exclusive lock on a file, held by one process, on any platform."""

import contextlib
import importlib
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any


def _find(module: str) -> Any | None:
    """Return a module of the standard library; None where the platform has none."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


fcntl = _find("fcntl")  # POSIX
msvcrt = _find("msvcrt")  # Windows


WAIT_SECONDS = 0.1  # between two looks at a lock that is not free


class LockHeldError(Exception):
    """Another process holds the lock."""


class LockUnsupportedError(Exception):
    """The file system has no locks; the message is the system's reason."""


def acquire(path: pathlib.Path) -> Callable[[], None]:
    """Lock a file, without waiting, until it is released or the process ends.

    By `flock` on POSIX and by `msvcrt.locking` on Windows: the file stays afterwards.
    Where Python has neither, `path` with the suffix `.pid` exists while the lock is
    held, and holds the number of the process.

    Args:
        path: the file; it is created where there is none.

    Returns:
        A function that releases the lock, to be called once.

    Raises:
        LockHeldError: another process holds the lock.
        LockUnsupportedError: the file system has no locks.
        OSError: the file cannot be opened.
    """
    if fcntl is None and msvcrt is None:
        return _create(path.with_suffix(".pid"))
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o666)
    try:
        _lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return lambda: os.close(descriptor)  # which unlocks it


def acquire_when_free(
    path: pathlib.Path, waits: Callable[[], None]
) -> Callable[[], None]:
    """Lock a file as `acquire` does, after any other process that holds the lock.

    Args:
        path: the file.
        waits: called once if the lock is not free.

    Raises:
        LockUnsupportedError: the file system has no locks.
        OSError: the file cannot be opened.
    """
    with contextlib.suppress(LockHeldError):
        return acquire(path)
    waits()
    while True:
        with contextlib.suppress(LockHeldError):
            return acquire(path)
        time.sleep(WAIT_SECONDS)


def _lock(descriptor: int) -> None:
    """Lock an open file by what the platform has."""
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            _lock_first_byte(descriptor)
    except BlockingIOError:
        raise LockHeldError from None
    except OSError as error:
        raise LockUnsupportedError(error.strerror) from None


def _lock_first_byte(descriptor: int) -> None:
    """Lock the first byte of an open file, whether there is one or not."""
    assert msvcrt is not None
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError:  # Windows says so of a lock that another process holds
        raise BlockingIOError from None


def _create(path: pathlib.Path) -> Callable[[], None]:
    """Create a file that only one process can, in place of one of a dead process."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_alive(path.read_text()):
            path.unlink()
    try:
        with open(path, "x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        raise LockHeldError from None
    return path.unlink


def _is_alive(process: str) -> bool:
    """Return whether a process runs; True where it cannot be known."""
    if os.name != "posix" or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)  # on POSIX this sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
