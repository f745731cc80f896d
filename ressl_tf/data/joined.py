"""Several folders and files as one set of images."""

from collections.abc import Sequence

import numpy as np

from ressl_tf.data.folder import Folder
from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.runtime import paths, storage
from ressl_tf.runtime.addresses import is_address, why_unknown
from ressl_tf.runtime.errors import UsageError


class Joined(ImageFiles):
    """Encoded images of several folders and files, one after the other.

    Labels are there where every entry is a folder with labels: classes of one name are
    one class. A split is that of each folder; files have the split "train" alone.

    Args:
        name: of the set, for messages.
        entries: paths of folders and files.
        split: of the folders.
        skip_unlisted: as of `Folder`.
        labels: as of `Folder`.

    Raises:
        UsageError: one is not there, or has no such split.
    """

    def __init__(
        self,
        name: str,
        entries: Sequence[str],
        split: str,
        skip_unlisted: bool = False,
        labels: str = "auto",
    ):
        self.name = name
        parts = [_open(entry, split, skip_unlisted, labels) for entry in entries]
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


def open_folders(
    path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
) -> ImageFiles:
    """Open "folder:/a" or "folder:/a,/b".

    A folder whose name has a comma is that folder.

    Args:
        path: what stands behind "folder:".
        split: as of `Folder`.
        skip_unlisted: as of `Folder`.
        labels: as of `Folder`.

    Raises:
        UsageError: as `Folder` does.
        OSError: a folder cannot be listed.
    """
    if "," not in path or storage.is_folder(path):
        return Folder(path, split, skip_unlisted, labels)
    entries = [_whole(part.strip()) for part in path.split(",")]
    for entry in entries:
        if not storage.is_folder(entry):
            raise UsageError(
                f"No such folder: {entry!r}. Received: --dataset=folder:{path}"
            )
    if len({storage.real(entry) for entry in entries}) < len(entries):
        raise UsageError(f"a folder is named twice. Received: --dataset=folder:{path}")
    return Joined(f"folder:{path}", entries, split, skip_unlisted, labels)


def _whole(entry: str) -> str:
    if not is_address(entry):
        return paths.local(entry, "dataset")
    if why := why_unknown(entry):
        raise UsageError(f"dataset: {why}. Received: {entry!r}")
    return entry


def _open(
    entry: str, split: str, skip: bool, labels: str
) -> tuple[list[str], np.ndarray, tuple[str, ...] | None, tuple[str, ...]]:
    """Return paths, labels, classes and unlisted folders of an entry."""
    if storage.is_folder(entry):
        part = Folder(entry, split, skip, labels)
        return part.paths, part.labels, part.label_names, part.unlisted
    if not storage.is_file(entry):
        raise UsageError(f"no such file or folder in the list of images: {entry}")
    if split != "train":
        raise UsageError(f"files have the split train alone. Received: {split!r}")
    return [entry], np.full(1, NO_LABEL, np.int32), None, ()


def _renumbered(labels, names, all_names) -> np.ndarray:
    """Return labels by their place among all classes; -1 stays."""
    place = np.array([*map(all_names.index, names), NO_LABEL], np.int32)
    return place[labels]
