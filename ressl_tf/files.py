"""Files that are either whole or not there."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

TEMPORARY = ".*.tmp"  # what a killed process may leave behind


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path` and renames it to `path` at the end.

    When the body raises, the temporary file is removed and `path` stays as it was.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)  # the rename itself
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
