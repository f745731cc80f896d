"""Files and folders by their paths, on this machine or behind an address.

What is on this machine is read by the system's own calls, and what has an address, such
as gs://bucket/photos, by `tf.io.gfile`. Errors are those of the system in both cases.
"""

import contextlib
import dataclasses
import errno
import functools
import glob
import mimetypes
import os
from collections.abc import Iterable, Iterator
from typing import IO, Any, Protocol

import tensorflow as tf

from ressl_tf.runtime.addresses import is_address

ERRORS: dict[type[tf.errors.OpError], int] = {
    tf.errors.NotFoundError: errno.ENOENT,
    tf.errors.PermissionDeniedError: errno.EACCES,
    tf.errors.UnauthenticatedError: errno.EACCES,
    tf.errors.AlreadyExistsError: errno.EEXIST,
    tf.errors.ResourceExhaustedError: errno.ENOSPC,
}


class Entry(Protocol):
    """What `os.DirEntry` knows of a file or folder."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    @property
    def path(self) -> str:
        """Its whole path."""

    def is_dir(self) -> bool:
        """Whether it is a folder."""

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a file."""

    def is_symlink(self) -> bool:
        """Whether it is a link."""


@dataclasses.dataclass(frozen=True)
class RemoteEntry:
    """An entry of a folder that has an address; there are no links.

    A name of an image's kind is a file: no look-up is spent on it.
    """

    name: str
    path: str
    marked: bool  # as a folder, by a / behind its name

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        kind = mimetypes.guess_type(self.name)[0] or ""
        return self.marked or (not kind.startswith("image/") and self._is_folder)

    @functools.cached_property
    def _is_folder(self) -> bool:
        return is_folder(self.path)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a file."""
        del follow_symlinks
        return not self.is_dir()

    def is_symlink(self) -> bool:
        """Return False."""
        return False


def is_folder(path: str) -> bool:
    """Whether there is a folder at a path."""
    if not is_address(path):
        return os.path.isdir(path)
    with contextlib.suppress(tf.errors.OpError):
        return bool(tf.io.gfile.isdir(path))
    return False


def is_file(path: str) -> bool:
    """Whether there is a file at a path."""
    if not is_address(path):
        return os.path.isfile(path)
    with contextlib.suppress(tf.errors.OpError):
        return bool(tf.io.gfile.exists(path)) and not tf.io.gfile.isdir(path)
    return False


@contextlib.contextmanager
def scan(folder: str) -> Iterator[Iterable[Entry]]:
    """Give the entries of a folder, in any order, as `os.scandir` does.

    Raises:
        OSError: it cannot be listed.
    """
    if not is_address(folder):
        with os.scandir(folder) as entries:
            yield entries
        return
    with _system_errors(folder):
        names = tf.io.gfile.listdir(folder)
    yield [_entry(folder, name) for name in names]


def _entry(folder: str, listed: str) -> RemoteEntry:
    name = listed.rstrip("/")
    return RemoteEntry(name, join(folder, name), listed.endswith("/"))


def read_bytes(path: str, count: int = -1) -> bytes:
    """Read a file, or its first `count` bytes.

    Raises:
        OSError: it cannot be read.
    """
    with open_binary(path) as file, _system_errors(path):
        return file.read(count)


def open_binary(path: str, buffering: int = -1) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        OSError: there is no such file; of one that has an address, on reading it.
    """
    if is_address(path):
        remote: Any = tf.io.gfile.GFile(path, "rb")
        return remote
    return open(path, "rb", buffering=buffering)


def state(path: str) -> tuple[int, int]:
    """Return size in bytes and time of the last change in ns.

    Raises:
        OSError: there is no such file.
    """
    if not is_address(path):
        status = os.stat(path)
        return status.st_size, status.st_mtime_ns
    with _system_errors(path):
        found = tf.io.gfile.stat(path)
        return found.length, found.mtime_nsec


def matching(pattern: str) -> list[str]:
    """List the paths that a pattern with *, ? or [] stands for.

    Raises:
        OSError: a folder cannot be listed.
    """
    if not is_address(pattern):
        return glob.glob(pattern)
    with _system_errors(pattern):
        return list(tf.io.gfile.glob(pattern))


def join(folder: str, path: str) -> str:
    """Return a path as seen from a folder; a whole path or an address stays."""
    return path if is_address(path) else os.path.join(folder, path)


def absolute(path: str) -> str:
    """Return the whole path; an address is one."""
    return path if is_address(path) else os.path.abspath(path)


def real(path: str) -> str:
    """Return the whole path without links; an address stays."""
    return path.rstrip("/") if is_address(path) else os.path.realpath(path)


@contextlib.contextmanager
def _system_errors(path: str) -> Iterator[None]:
    """Make the system's errors of TensorFlow's."""
    try:
        yield
    except tf.errors.OpError as error:
        number = ERRORS.get(type(error), errno.EIO)
        raise OSError(number, reason(error), path) from None


def reason(error: tf.errors.OpError) -> str:
    """Return the first line of an error, or the system's word where it has none."""
    lines = error.message.splitlines()
    return lines[0] if lines else os.strerror(ERRORS.get(type(error), errno.EIO))
