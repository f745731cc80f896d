"""All files below a folder, without a look-up of each."""

import dataclasses
import logging
import os
import stat
from collections.abc import Iterator

from ressl_tf.runtime import storage
from ressl_tf.runtime.addresses import is_address

log = logging.getLogger("ressl_tf")
LITTER = (  # of archives, file systems, NAS and editors, in lower case
    *("__macosx", "lost+found", "@eadir", "@recycle", "#recycle", "$recycle.bin"),
    *("system volume information", "__pycache__", "@recently-snapshot", "#snapshot"),
)


@dataclasses.dataclass
class Walk:
    """What is noted on the way.

    Attributes:
        unlisted: gets the names of folders that cannot be listed; None: an error.
        litter: paths of folders that are left out.
        times: folder -> its time in ns, by which a change is seen; of this machine's.
    """

    unlisted: list[str] | None
    litter: list[str] = dataclasses.field(default_factory=list)
    times: dict[str, int] = dataclasses.field(default_factory=dict)


def is_litter(name: str) -> bool:
    """Whether a folder of this name is hidden or made by a program for itself."""
    return name.startswith(".") or name.lower() in LITTER


def is_folder(entry: storage.Entry) -> bool:
    """Whether an entry is a folder or a link to one; only of a link is it looked up."""
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or into what cannot be entered
        return False


def leads_nowhere_else(link: str) -> bool:
    """Whether a link leads to a file, or to nothing; not to a pipe or a device.

    Whoever reads a pipe waits for a writer, for ever.
    """
    try:
        if stat.S_ISREG(os.stat(link).st_mode):
            return True
    except OSError:  # an unreadable image
        return True
    log.warning("%s leads to what is no file: left out", link)
    return False


def walk(
    folder: str, seen: Walk, above: tuple[tuple[int, int], ...] = ()
) -> Iterator[str]:
    """Yield the paths of all visible files; do not follow a link to a folder above.

    Args:
        folder: where to look.
        seen: gets what is noted.
        above: device and inode of each folder above it.

    Raises:
        OSError: a folder cannot be listed, and `seen.unlisted` is None.
    """
    here: tuple[tuple[int, int], ...] = ()
    if not is_address(folder):
        status = os.stat(folder)
        here = ((status.st_dev, status.st_ino),)
        if here[0] in above:
            log.warning("%s leads back to a folder above it: not followed", folder)
            return
        seen.times[folder] = status.st_mtime_ns
    try:
        with storage.scan(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        if seen.unlisted is None:
            raise
        seen.unlisted.append(folder)
        return
    for entry in visible:
        if entry.is_file(follow_symlinks=False):  # most are; the order is for speed
            yield entry.path
        elif is_folder(entry):
            if is_litter(entry.name):
                seen.litter.append(entry.path)
            else:
                yield from walk(entry.path, seen, (*above, *here))
        elif entry.is_symlink():
            if leads_nowhere_else(entry.path):
                yield entry.path
        elif entry.is_file():
            yield entry.path
