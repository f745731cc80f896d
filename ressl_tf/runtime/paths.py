"""Paths as users write them: `~` is expanded, addresses of remote storage refused."""

import importlib
import os
from collections.abc import Sequence
from typing import Any

from ressl_tf.runtime.addresses import is_address, why_unknown
from ressl_tf.runtime.errors import UsageError

# Prefixes behind which an address may stand: of a run's folder none, of a data set one.
REMOTE = ("",), ("folder:", "files:", "list:", "webdataset:", "tfrecord:")


class ExpandedPath(str):
    """A path in which `~` was expanded.

    Attributes:
        written: the path as the user wrote it, which also holds for another home.
    """

    written: str

    def __new__(cls, expanded: str, written: str) -> "ExpandedPath":
        """Make one of both forms."""
        made = super().__new__(cls, expanded)
        made.written = written
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Return what a copy is made of."""
        return str(self), self.written


def local(
    path: str | os.PathLike[str],
    name: str,
    prefixes: Sequence[str] = (),
    remote: bool = False,
) -> str:
    """Return a path of this machine's file systems with `~` expanded.

    An address behind a prefix stays, as what opens the data reads it there. One without
    a prefix is a folder of a run: the path is that of its copy on this machine.

    Args:
        path: as the user wrote it; one that is expanded already stays as it is.
        name: of the flag or argument, for messages.
        prefixes: such as "folder:". Where there are any, what stands behind one of them
            is a path, and anything else a name, which stays as it is.
        remote: whether an address, such as gs://bucket, may be the path.

    Raises:
        UsageError: it is an address, such as gs://bucket, or no path can be like this.
    """
    if isinstance(path, ExpandedPath):
        return path
    text = os.fsdecode(path)
    prefix = next((p for p in prefixes if text.startswith(p)), "")
    bare = text.removeprefix(prefix)
    expanded = os.path.expanduser(bare)
    if is_address(bare) and remote and prefix in REMOTE[bool(prefixes)]:
        return _reachable(text, prefix, name)
    if is_address(bare):
        reason = ", no address; mount the storage or copy it, and give the path"
    elif prefixes and not prefix:
        return text
    elif "\0" in bare:
        reason = ", without null characters"
    elif expanded.startswith("~"):
        home = bare.partition("/")[0]
        reason = f"; there is no home folder {home}, and ./{home} is a name with ~"
    else:
        return text if expanded == bare else ExpandedPath(prefix + expanded, text)
    raise UsageError(
        f"{name} must be a path on this machine{reason}. Received: {text!r}"
    )


def check_text(path: str | os.PathLike[str], name: str) -> None:
    """Refuse a path that TensorFlow cannot write to: it takes text alone.

    Args:
        path: with `~` expanded.
        name: of the flag, for the message.

    Raises:
        UsageError: its bytes are no UTF-8.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{name}: TensorFlow writes to names in UTF-8 alone; give another. "
            f"Received: {path}"
        ) from None


def _reachable(text: str, prefix: str, name: str) -> str:
    """Return what an address stands for, after a look whether it can be read."""
    address = text.removeprefix(prefix)
    if why := why_unknown(address):
        raise UsageError(f"{name}: {why}. Received: {text!r}")
    if prefix:
        return text
    mirrored = importlib.import_module("ressl_tf.runtime.mirrored_folder")
    return ExpandedPath(mirrored.local_side(address), text)


def as_written(value: str) -> str:
    """Return a path as the user wrote it; any other text as it is."""
    return value.written if isinstance(value, ExpandedPath) else value


def same(one: Any, other: Any, prefixes: Sequence[str] | None = ()) -> bool:
    """Return whether two paths, as they were written, are the same when expanded.

    Where `prefixes` is None they are no paths: whether they are equal.
    """
    if prefixes is None:
        return one == other
    try:
        return local(one, "", prefixes) == local(other, "", prefixes)
    except UsageError:  # of an earlier version, which took any text
        return one == other
