"""What tells two sets of images apart without reading an image: names and sizes."""

import hashlib
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ressl_tf.data.sources import Source

MOST = 10_000  # images that are looked at, evenly spread
RECORD = re.compile(r", (record|image) \d+$")


def of_source(source: Source) -> dict[str, Any]:
    """Return number of images, their bytes, and a hash of names and sizes.

    Names are those inside the folder that all files are in, so that a set may move. Of
    more than 10,000 images so many are looked at. A file with many images counts once.
    """
    count = min(MOST, source.size)
    rows = np.linspace(0, source.size - 1, count, dtype=np.int64)
    names = [source.example_name(int(row)) for row in rows]
    files = of_files(file for name in names if (file := _file(name)))
    words = repr((source.size, _inside(names), files["sha256"]))
    return {
        "images": source.size,
        "files": files["files"],
        "bytes": files["bytes"],
        "sha256": hashlib.sha256(words.encode(errors="surrogateescape")).hexdigest(),
    }


def of_files(paths: Iterable[str]) -> dict[str, Any]:
    """Return number of files, their bytes, and a hash of their names and sizes."""
    files = sorted(set(paths))
    sizes = [_size(file) for file in files]
    words = repr((_inside(files), sizes)).encode(errors="surrogateescape")
    return {
        "files": len(files),
        "bytes": sum(sizes),
        "sha256": hashlib.sha256(words).hexdigest(),
    }


def _file(name: str) -> str:
    """Return the file that an image lies in; empty where its name is none."""
    path = RECORD.sub("", name)
    places = path, str(pathlib.PurePath(path).parent)  # of a tar: shard/key
    return next((place for place in places if os.path.isfile(place)), "")


def _size(path: str) -> int:
    """Return the bytes of a file; 0 if it is gone, which ends no run."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _inside(paths: list[str]) -> list[str]:
    """Return paths without the folder that they have in common."""
    folders = {os.path.dirname(path) for path in paths}
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # some absolute, some not; several drives
        return paths
    return [os.path.relpath(path, common) if common else path for path in paths]
