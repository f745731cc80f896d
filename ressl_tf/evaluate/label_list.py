"""The images that keep their labels, as a text file lists them by name.

SimCLR's lists of 1 % and 10 % of ImageNet are such files: `n01440764_10183.JPEG`.
"""

import logging
import os
from collections import Counter

import numpy as np

from ressl_tf.data.sources import Source, StreamSource
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
NAMED = 3  # names that a message shows at most


def listed(source: Source, path: str) -> Source:
    """Return the images of a source that a list names, in the source's order.

    A line is the name of a file, or the end of its path where several have that name.

    Args:
        source: all of its images have a label.
        path: of the list; empty lines do not count.

    Raises:
        UsageError: the list cannot be read or is empty, a name is not in the source, or
            several of its images have it.
    """
    lines = _read(path)
    counts = Counter(lines)
    if twice := [name for name, count in counts.items() if count > 1]:
        log.warning("%s: twice or more, taken once: %s", path, _some(twice))
    rows = _rows(source, list(counts), path)
    _warn_of_lacking_classes(source, rows, path)
    return source.take(np.sort(rows))


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise UsageError(
            f"--label_list must be a text file with the name of an image a line. "
            f"Received: {path} ({error.strerror})"
        ) from None
    if not any(lines):
        raise UsageError(f"--label_list names no image. Received: {path}")
    return [line for line in lines if line]


def _rows(source: Source, wanted: list[str], path: str) -> np.ndarray:
    """Find the row of each name."""
    names = _names(source)
    rows_of: dict[str, list[int]] = {}
    asked = {os.path.basename(name) for name in wanted}
    for row, name in enumerate(names):
        if (last := os.path.basename(name)) in asked:
            rows_of.setdefault(last, []).append(row)
    found = [
        [
            row
            for row in rows_of.get(os.path.basename(name), ())
            if _ends(names[row], name)
        ]
        for name in wanted
    ]
    skipped = tuple(source.skipped)
    missing = [
        name
        for name, rows in zip(wanted, found, strict=True)
        if not rows and not any(_ends(left, name) for left in skipped)
    ]
    if missing:
        raise UsageError(
            f"{len(missing)} of {len(wanted)} names in {path} are no images of "
            f"{source.name}, whose images are called such as {names[0]!r}: "
            f"{_some(missing)}"
        )
    for name, rows in zip(wanted, found, strict=True):
        if len(rows) > 1:
            raise UsageError(
                f"{path}: several images of {source.name} have the name {name!r}; give "
                f"the end of the path: {_some([names[row] for row in rows])}"
            )
    return np.array([row for rows in found for row in rows], np.int64)


def _names(source: Source) -> list[str]:
    """Return the names of the images, of files their paths."""
    if isinstance(source, StreamSource):
        files = getattr(source.encoded, "original", source.encoded)  # of a cache
        if paths := getattr(files, "paths", None):
            return [paths[row] for row in source.rows.numpy()]
    return [source.example_name(row) for row in range(source.size)]


def _ends(path: str, name: str) -> bool:
    """Whether a path ends with these folders and this file."""
    return path == name or path.endswith(f"/{name.lstrip('/')}")


def _warn_of_lacking_classes(source: Source, rows: np.ndarray, path: str) -> None:
    labels = source.all_labels()
    names = source.label_names or ()
    lacking = np.setdiff1d(np.unique(labels), labels[rows]).tolist()
    if lacking:
        log.warning(
            "%s: %d of %d classes have no image in it, and are not learned: %s",
            *(path, len(lacking), len(names), _some([names[n] for n in lacking])),
        )


def _some(names: list[str]) -> str:
    more = f", ... ({len(names)})" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
