"""The images below a folder, and what is left out of it."""

import collections
import functools
import logging
import os
from collections.abc import Mapping

from ressl_tf.data import library_formats, listing_cache
from ressl_tf.data.folder_walk import Walk, is_folder, is_litter, walk
from ressl_tf.data.library_formats import EXTRA, NPY
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
EXTENSIONS = (  # of what TensorFlow decodes
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".jxl"),
)


@functools.cache
def image_extensions() -> tuple[str, ...]:
    """Return the extensions of images that can be read here, in lower case."""
    return EXTENSIONS + library_formats.extensions()


def is_image(name: str) -> bool:
    """Whether a file's name ends as images do, in any letter case."""
    return extension(name) in image_extensions()


def extension(path: str) -> str:
    """Return the end of a file's name, in lower case; empty without one.

    As `os.path.splitext` has it, in a third of the time.
    """
    name = path[path.rfind(os.sep) + 1 :].lstrip(".")
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def sub_folders(folder: str) -> list[str]:
    """Return the names of the sub-folders, sorted, without litter."""
    with storage.scan(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not is_litter(entry.name) and is_folder(entry)
        )


def first_image(folder: str, deep: bool = True) -> str | None:
    """Return the first image found in a folder, or below it when `deep`; else None."""
    try:
        if deep:
            return next(filter(is_image, walk(folder, Walk([]))), None)
        with storage.scan(folder) as entries:
            visible = (e for e in entries if not e.name.startswith("."))
            images = (e for e in visible if is_image(e.name) and not is_folder(e))
            return next((entry.path for entry in images), None)
    except OSError:
        return None


def list_images(folder: str, unlisted: list[str] | None) -> list[str]:
    """List every image below the folder, sorted by path, and log what is left out.

    NumPy's arrays are images where there are no others: beside photos they are masks
    or features. The list of a large folder is kept, see `data.listing_cache`.

    Args:
        folder: where to look.
        unlisted: gets the names of folders that cannot be listed; None: an error.

    Raises:
        UsageError: there is no image.
        OSError: a folder cannot be listed, and `unlisted` is None.
    """
    kinds = image_extensions()
    listed = listing_cache.load(folder, kinds)
    if listed is None:
        seen = Walk(unlisted)
        listed = _sorted_out(walk(folder, seen), seen)
        listing_cache.keep(folder, kinds, listed, seen)
    if not listed.paths:
        raise UsageError(_nothing(folder, listed.others))
    _tell(folder, listed)
    return listed.paths


def _sorted_out(files, seen: Walk) -> listing_cache.Listed:
    """Divide files into images, sorted, and counts of other kinds."""
    kinds = frozenset(image_extensions())
    images: list[str] = []
    taken: collections.Counter[str] = collections.Counter()
    others: dict[str, list[str]] = collections.defaultdict(list)
    for path in files:
        kind = extension(path)
        if kind in kinds:
            images.append(path)
            taken[kind] += 1
        else:
            others[kind or "no extension"].append(path)
    if not images and NPY in others:
        images = others.pop(NPY)
        taken[NPY] = len(images)
    images.sort()
    first = min((min(paths) for paths in others.values()), default="")
    left = {kind: len(paths) for kind, paths in others.items()}
    litter = sorted(seen.litter)
    return listing_cache.Listed(images, dict(taken), left, first, litter)


def _tell(folder: str, listed: listing_cache.Listed) -> None:
    log.info("%s: %d images: %s", folder, len(listed.paths), _counts(listed.taken))
    if listed.others:
        seen = _counts(listed.others)
        log.warning(
            "%s: other files are left out: %s (%s)%s",
            *(folder, seen, listed.first_other, _help(listed.others)),
        )
    if listed.litter:
        named = ", ".join(listed.litter)
        log.info("left out, as programs make them for themselves: %s", named)
    if gifs := listed.taken.get(".gif"):
        log.info("%s: of %d GIF files, the first frame is taken", folder, gifs)


def _nothing(folder: str, others: Mapping[str, int]) -> str:
    return (
        f"No image in {folder} (other files: {_counts(others) or 'none'}); images end "
        f"in {', '.join(image_extensions())}, in any letter case{_help(others)}"
    )


def _help(others: Mapping[str, int]) -> str:
    """Say what reads images among the files that are left out."""
    missing = library_formats.missing()
    some = sorted(kind for kind in others if kind in missing)
    return f"; {EXTRA} reads {', '.join(some)}" if some else ""


def _counts(of_kinds: Mapping[str, int]) -> str:
    """Write all kinds of files with their numbers, the most frequent first."""
    ordered = sorted(((n, kind) for kind, n in of_kinds.items()), reverse=True)
    return ", ".join(f"{n} x {kind}" for n, kind in ordered)
