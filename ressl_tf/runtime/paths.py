"""Paths as users write them: `~` is expanded, addresses of remote storage refused."""

import os
import re
from collections.abc import Sequence

from ressl_tf.runtime.errors import UsageError

# Two letters or more: C:/ is a drive. Libraries of paths make gs:/ of gs://.
ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]+://|(abfss?|dbfs|file|ftp|gs|hdfs|https?|s3[an]?|wasbs?):/",
    re.IGNORECASE,
)


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


def local(path: str | os.PathLike[str], name: str, prefixes: Sequence[str] = ()) -> str:
    """Return a path of this machine's file systems with `~` expanded.

    Args:
        path: as the user wrote it; one that is expanded already stays as it is.
        name: of the flag or argument, for messages.
        prefixes: such as "folder:". Where there are any, what stands behind one of them
            is a path, and anything else a name, which stays as it is.

    Raises:
        UsageError: it is an address, such as gs://bucket, or no path can be like this.
    """
    if isinstance(path, ExpandedPath):
        return path
    text = os.fsdecode(path)
    prefix = next((p for p in prefixes if text.startswith(p)), "")
    bare = text.removeprefix(prefix)
    expanded = os.path.expanduser(bare)
    if ADDRESS.match(bare):
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


def as_written(value: str) -> str:
    """Return a path as the user wrote it; any other text as it is."""
    return value.written if isinstance(value, ExpandedPath) else value


def same(one: str, other: str, prefixes: Sequence[str] = ()) -> bool:
    """Return whether two paths, as they were written, are the same when expanded."""
    try:
        return local(one, "", prefixes) == local(other, "", prefixes)
    except UsageError:  # of an earlier version, which took any text
        return one == other
