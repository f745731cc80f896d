"""Atomic writes: a file or a folder is complete or absent."""

import contextlib
import errno
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from ressl_tf.runtime import mirrors
from ressl_tf.runtime.errors import RunError

# Disks that are full, broken, only read any more, or gone; not all on every platform.
REFUSALS = ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "ENODEV", "ESTALE", "ENOTCONN")
FULL = {getattr(errno, name) for name in REFUSALS if hasattr(errno, name)}
LONGEST = 255 - len(".." + "1234567" + ".tmp")  # bytes of a name that is added to
TEMPORARY = ".*.tmp"  # what a killed process may leave behind
# Windows flushes only what is open for writing.
FLUSHED = os.O_RDWR if os.name == "nt" else os.O_RDONLY


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yield a temporary path beside `path` and rename it to `path` at the end.

    When the body raises, the temporary file is removed and `path` stays as it was.

    Raises:
        RunError: when the disk is full, broken or gone.
        OSError: when the file cannot be written for another reason.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{_shortened(path.name)}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)  # the rename itself
        mirrors.changed(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(
    path: pathlib.Path, *, locked: bool = False
) -> Iterator[pathlib.Path]:
    """Yield a temporary folder beside `path` that takes its place at the end.

    Its files are flushed to disk first. When the body raises, the temporary folder is
    removed and `path` stays as it was. A folder at `path` is never half replaced: a
    process that is killed between the two renames leaves it whole, as
    `.NAME.PROCESS.old`.

    Args:
        path: The folder to write.
        locked: Whether the caller holds a lock on `path`. The temporary folder is then
            called `.NAME.tmp`, so that the next holder of the lock finds what a killed
            one has left; else `.NAME.PROCESS.tmp`.

    Raises:
        RunError: The disk is full or broken.
        OSError: The folder cannot be written for another reason.
    """
    process = "" if locked else f".{os.getpid()}"
    temporary = path.with_name(f".{_shortened(path.name)}{process}.tmp")
    try:
        make_folder(path.parent)
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process of this name
        temporary.mkdir()
        yield temporary
        for entry in (*temporary.rglob("*"), temporary):
            _flush(entry)
        _put_in_place(temporary, path)
        mirrors.changed(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunError(f"cannot write {path}: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_folder(path: pathlib.Path) -> None:
    """Make a folder and those above it; each is flushed into the one that holds it.

    A file in a folder that a power cut takes away would be lost, however it is flushed.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _flush(path.parent)


def _shortened(name: str) -> str:
    """Cut a name whose temporary one would be longer than file systems allow."""
    if len(os.fsencode(name)) <= LONGEST:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f"{digest}.long"


def remove(path: pathlib.Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    mirrors.changed(path)


def _put_in_place(temporary, path):
    """Rename a folder to `path`; one that is there goes only when that has worked."""
    old = path.with_name(f".{_shortened(path.name)}.{os.getpid()}.old")
    replaces = path.exists()
    if replaces:
        shutil.rmtree(old, ignore_errors=True)  # likewise
        path.rename(old)
    try:
        temporary.rename(path)
    except BaseException:
        if replaces:
            old.rename(path)
        raise
    _flush(path.parent)  # the renames themselves
    shutil.rmtree(old, ignore_errors=True)


def _flush(path):
    """Flush a file to the disk, or a folder where the system opens folders."""
    try:
        descriptor = os.open(path, FLUSHED)
    except (PermissionError, IsADirectoryError):
        if os.path.isdir(path):  # Windows; it writes them without being asked
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
