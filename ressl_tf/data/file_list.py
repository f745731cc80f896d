"""Photos in several folders and files, as a list names them."""

import json
import os
import pathlib

import numpy as np

from ressl_tf.data.folder import Folder
from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.runtime.errors import UsageError


class FileList(ImageFiles):
    """Encoded images of several folders and files, in the order of the list.

    Labels are there where every entry is a folder with labels: classes of one name are
    one class. A split is that of each folder; files have the split "train" alone.

    Args:
        path: of a JSON file, an array of paths; relative ones begin at its folder.
        split: of the folders.
        skip_unlisted: as of `Folder`.
        labels: as of `Folder`.

    Raises:
        UsageError: the list cannot be read, or names what is not there.
    """

    def __init__(
        self, path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        self.name = f"files:{path}"
        parts = [_open(entry, split, skip_unlisted, labels) for entry in _entries(path)]
        self.paths = [path for part in parts for path in part[0]]
        self.unlisted = tuple(name for part in parts for name in part[3])
        classes = [part[2] for part in parts]
        self.label_names: tuple[str, ...] | None = None
        self.labels = np.full(len(self.paths), NO_LABEL, np.int32)
        if all(names is not None for names in classes):
            names = sorted({name for found in classes for name in found or ()})
            self.label_names = tuple(names)
            self.labels = np.concatenate(
                [_renumbered(part[1], part[2], names) for part in parts]
            )
        self._hold()


def _entries(path: str) -> list[str]:
    try:
        entries = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--dataset=files: is a JSON array of paths. Received: {path} ({error})"
        ) from None
    texts = isinstance(entries, list) and all(isinstance(e, str) for e in entries)
    if not texts or not entries:
        raise UsageError(f"--dataset=files: is a JSON array of paths. Received: {path}")
    return [os.path.join(os.path.dirname(path), entry) for entry in entries]


def _open(
    entry: str, split: str, skip: bool, labels: str
) -> tuple[list[str], np.ndarray, tuple[str, ...] | None, tuple[str, ...]]:
    """Return paths, labels, classes and unlisted folders of an entry."""
    if os.path.isdir(entry):
        part = Folder(entry, split, skip, labels)
        return part.paths, part.labels, part.label_names, part.unlisted
    if not os.path.isfile(entry):
        raise UsageError(f"no such file or folder in the list of images: {entry}")
    if split != "train":
        raise UsageError(f"files have the split train alone. Received: {split!r}")
    return [entry], np.full(1, NO_LABEL, np.int32), None, ()


def _renumbered(labels, names, all_names) -> np.ndarray:
    """Return labels by their place among all classes; -1 stays."""
    place = np.array([*map(all_names.index, names), NO_LABEL], np.int32)
    return place[labels]
