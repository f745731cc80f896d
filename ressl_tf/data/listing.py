"""The images below a folder, and what is left out of it."""

import collections
import logging
import os
from collections.abc import Iterator, Mapping

from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif")
LITTER = (  # of archives, file systems, NAS and editors, in lower case
    *("__macosx", "lost+found", "@eadir", "@recycle", "#recycle", "$recycle.bin"),
    *("system volume information", "__pycache__", "@recently-snapshot", "#snapshot"),
)


def is_litter(name: str) -> bool:
    """Whether a folder of this name is hidden or made by a program for itself."""
    return name.startswith(".") or name.lower() in LITTER


def is_image(name: str) -> bool:
    """Whether a file's name ends as images do, in any letter case."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS


def is_folder(entry: os.DirEntry) -> bool:
    """Whether an entry is a folder or a link to one; only of a link is it looked up."""
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or into what cannot be entered
        return False


def sub_folders(folder: str) -> list[str]:
    """Return the names of the sub-folders, sorted, without litter."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not is_litter(entry.name) and is_folder(entry)
        )


def first_image(folder: str, deep: bool = True) -> str | None:
    """Return the first image found in a folder, or below it when `deep`; else None."""
    try:
        if deep:
            return next(filter(is_image, _walk(folder, (), [], [])), None)
        with os.scandir(folder) as entries:
            visible = (e for e in entries if not e.name.startswith("."))
            images = (e for e in visible if is_image(e.name) and not is_folder(e))
            return next((entry.path for entry in images), None)
    except OSError:
        return None


def list_images(folder: str, unlisted: list[str] | None) -> list[str]:
    """List every image below the folder, sorted by path.

    Args:
        folder: where to look.
        unlisted: gets the names of folders that cannot be listed; None: an error.

    Raises:
        UsageError: there is no image.
        OSError: a folder cannot be listed, and `unlisted` is None.
    """
    paths, others = [], collections.defaultdict(list)
    litter: list[str] = []
    for path in _walk(folder, (), unlisted, litter):
        if is_image(path):
            paths.append(path)
        else:
            extension = os.path.splitext(path)[1].lower()
            others[extension or "no extension"].append(path)
    seen = _counts({kind: len(names) for kind, names in others.items()})
    if not paths:
        raise UsageError(
            f"No image in {folder} (other files: {seen or 'none'}); images end in "
            f"{', '.join(EXTENSIONS)}, in any letter case"
        )
    if others:
        first = min(path for names in others.values() for path in names)
        log.info("%s: other files are left out: %s (%s)", folder, seen, first)
    if litter:
        named = ", ".join(sorted(litter))
        log.info("left out, as programs make them for themselves: %s", named)
    if gifs := sum(path.lower().endswith(".gif") for path in paths):
        log.info("%s: of %d GIF files, the first frame is taken", folder, gifs)
    return sorted(paths)


def _counts(of_kinds: Mapping[str, int]) -> str:
    """Write all kinds of files with their numbers, the most frequent first."""
    ordered = sorted(((n, kind) for kind, n in of_kinds.items()), reverse=True)
    return ", ".join(f"{n} x {kind}" for n, kind in ordered)


def _walk(
    folder: str,
    above: tuple[tuple[int, int], ...],
    unlisted: list[str] | None,
    litter: list[str],
) -> Iterator[str]:
    """Yield the paths of all visible files; do not follow a link to a folder above.

    Args:
        folder: where to look.
        above: device and inode of each folder above it.
        unlisted: as of `list_images`.
        litter: gets the paths of folders that are left out.
    """
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:
        log.warning("%s leads back to a folder above it: not followed", folder)
        return
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        if unlisted is None:
            raise
        unlisted.append(folder)
        return
    for entry in visible:
        if is_folder(entry):
            if is_litter(entry.name):
                litter.append(entry.path)
            else:
                yield from _walk(entry.path, (*above, here), unlisted, litter)
        elif entry.is_symlink() or entry.is_file():
            yield entry.path
