"""Atomic writes: a file or a folder is complete or absent."""

import contextlib
import errno
import os
import pathlib
import shutil
from collections.abc import Iterator

from ressl_tf.runtime.errors import RunError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # full or broken disks
TEMPORARY = ".*.tmp"  # what a killed process may leave behind


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yield a temporary path beside `path` and rename it to `path` at the end.

    When the body raises, the temporary file is removed and `path` stays as it was.

    Raises:
        RunError: when the disk is full or broken.
        OSError: when the file cannot be written for another reason.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)  # the rename itself
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a temporary folder beside `path` and rename it to `path` at the end.

    `path` must not exist, and nobody else may write it: the caller holds a lock where
    others could. When the body raises, the temporary folder is removed.

    Raises:
        RunError: when the disk is full or broken.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        for entry in (*temporary.iterdir(), temporary):
            _flush(entry)
        temporary.rename(path)
        _flush(path.parent)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
