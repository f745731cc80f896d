"""The lists of large folders, kept until the time of one of their folders changes.

A folder's time changes whenever a file or folder in it is made, removed or renamed.
"""

import dataclasses
import hashlib
import itertools
import json
import logging
import os
import pathlib
import time
from collections.abc import Sequence

from ressl_tf.data.folder_walk import Walk
from ressl_tf.runtime.cache_folder import default_folder, keeping

log = logging.getLogger("ressl_tf")
FORMAT = 1
LEAST = 20_000  # files; smaller lists take less than the cache is worth
SETTLED = 2_000_000_000  # ns: a change so soon after another may not move the time


@dataclasses.dataclass(frozen=True)
class Listed:
    """The files below a folder, sorted out.

    Attributes:
        paths: of the images, sorted.
        taken: extension -> number of images.
        others: extension -> number of files that are left out.
        first_other: path of the first of them; empty for none.
        litter: paths of folders that are left out.
    """

    paths: list[str]
    taken: dict[str, int]
    others: dict[str, int]
    first_other: str
    litter: list[str]


def load(folder: str, kinds: Sequence[str]) -> Listed | None:
    """Return the kept list of a folder; None where there is none that still holds.

    Args:
        folder: as it was listed.
        kinds: extensions of images.
    """
    try:
        with open(_path(folder, kinds), "rb") as file:
            head = json.loads(os.fsdecode(file.readline()))
            if head["format"] != FORMAT or not _holds(head):
                return None
            runs = os.fsdecode(file.read()).split("\0\0")
    except (OSError, ValueError, KeyError):
        return None
    paths: list[str] = []
    for run in runs if runs != [""] else ():
        start, *names = run.split("\0")
        paths += [start + name for name in names]
    log.info("%s: the list of its files is kept in %s", folder, _path(folder, kinds))
    kept = ("taken", "others", "first_other", "litter")
    return Listed(paths, *(head[name] for name in kept))


def keep(folder: str, kinds: Sequence[str], listed: Listed, seen: Walk) -> None:
    """Keep the list of a large folder of this machine, if all could be listed."""
    if len(listed.paths) < LEAST or seen.unlisted or not seen.times:
        return
    head = {"format": FORMAT, "listed": time.time_ns(), "times": seen.times}
    head |= dataclasses.asdict(dataclasses.replace(listed, paths=[]))
    path = _path(folder, kinds)
    with keeping(path, "the list of files") as temporary, open(temporary, "wb") as file:
        file.write(os.fsencode(json.dumps(head) + "\n"))
        for number, (start, group) in enumerate(_runs(listed.paths)):
            names = (path[len(start) :] for path in group)
            file.write(b"\0\0" * bool(number))
            file.write(os.fsencode("\0".join((start, *names))))


def _runs(paths: list[str]):
    """Group paths that follow one another in one folder, by that folder and a /."""
    return itertools.groupby(paths, lambda path: path[: path.rfind(os.sep) + 1])


def _holds(head: dict) -> bool:
    """Whether no folder has changed since, nor so shortly before that it may have."""
    latest = head["listed"] - SETTLED
    return all(
        time_then < latest and os.stat(folder).st_mtime_ns == time_then
        for folder, time_then in head["times"].items()
    )


def _path(folder: str, kinds: Sequence[str]) -> pathlib.Path:
    text = "\0".join((folder, os.path.abspath(folder), *kinds))
    digest = hashlib.sha256(os.fsencode(text)).hexdigest()[:16]
    return default_folder() / f"listing-{digest}.txt"
