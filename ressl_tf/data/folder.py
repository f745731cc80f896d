"""Photos in a folder: class sub-folders, or a flat folder without labels."""

import collections
import logging
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ressl_tf.data.records import file_state
from ressl_tf.data.sources import EncodedImages
from ressl_tf.runtime.errors import UsageError

logger = logging.getLogger("ressl_tf")
EXTENSIONS = (".jpg", ".jpeg", ".png")
SPLIT_FOLDERS = ("train", "test", "validation", "val")
NO_LABEL = -1


class Folder(EncodedImages):
    """Encoded images by path, in sorted order.

    `root/<class>/**/*.jpg` has labels. When any image lies directly in `root`, it is a
    flat folder, and no image has a label. If `root` has a sub-folder train, test,
    validation or val, a split is a sub-folder; otherwise the split "train" is the whole
    folder. Hidden files are left out. Symbolic links are followed, except those back to
    a folder above. A link that leads nowhere is an unreadable image.

    Args:
        root: the folder.
        split: one of its sub-folders, or "train".
        skip_unlisted: whether to leave out sub-folders that cannot be listed, and name
            them in `unlisted`; otherwise they are an error.

    Raises:
        UsageError: no such folder or split, no images, a single class.
        OSError: a folder cannot be listed.
    """

    def __init__(self, root: str, split: str, skip_unlisted: bool = False):
        self.name = f"folder:{root}"
        root = os.path.expanduser(root)
        if not os.path.isdir(root):
            raise UsageError(f"No such folder. Received: --dataset={self.name}")
        folder = _split_folder(root, split)
        unlisted: list[str] | None = [] if skip_unlisted else None
        self.paths = _list_images(folder, unlisted)
        self.unlisted = tuple(unlisted or ())
        start = len(os.path.join(folder, ""))
        classes = [path[start:].split(os.sep)[:-1] for path in self.paths]
        self.label_names = None
        self.labels = np.full(len(self.paths), NO_LABEL, np.int32)
        if all(classes):
            self.label_names = _class_names(root, folder, {c[0] for c in classes})
            number = {name: label for label, name in enumerate(self.label_names)}
            self.labels = np.array([number[c[0]] for c in classes], np.int32)
        with tf.device("CPU:0"):
            self._paths = tf.constant([os.fsencode(path) for path in self.paths])
            self._labels = tf.constant(self.labels)

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.paths)

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""
        path = tf.gather(self._paths, row)
        return tf.io.read_file(path), tf.gather(self._labels, row)

    def all_labels(self) -> np.ndarray:
        """Return the label of every image, int32 [n]."""
        return self.labels

    def example_name(self, row: int) -> str:
        """Return the image's path."""
        return self.paths[row]

    def state(self) -> Iterator[tuple]:
        """Yield all that the images depend on: the state of each file."""
        return map(file_state, self.paths)


def _split_folder(root: str, split: str) -> str:
    found = sorted(
        entry.name for entry in os.scandir(root) if os.path.isdir(entry.path)
    )
    if not set(found) & set(SPLIT_FOLDERS):
        if split == "train":
            return root
        raise UsageError(
            f"{root} is not divided into splits, so that its only split is 'train'; "
            f"put test photos into {os.path.join(root, 'test')}. Received: {split!r}"
        )
    synonyms = ("validation", "val") if split in ("validation", "val") else (split,)
    for name in synonyms:
        if name in found:
            return os.path.join(root, name)
    splits = ", ".join(name for name in found if not name.startswith("."))
    raise UsageError(f"{root} has the splits {splits}. Received: {split!r}")


def _list_images(folder: str, unlisted: list[str] | None) -> list[str]:
    """List every image below the folder, sorted by path."""
    paths, others = [], collections.defaultdict(list)
    for path in _walk(folder, (), unlisted):
        extension = os.path.splitext(path)[1].lower()
        if extension in EXTENSIONS:
            paths.append(path)
        else:
            others[extension or "no extension"].append(path)
    counts = sorted(((len(p), kind) for kind, p in others.items()), reverse=True)
    seen = ", ".join(f"{n} x {kind}" for n, kind in counts[:3])
    if not paths:
        raise UsageError(
            f"No JPEG or PNG image in {folder} (other files: {seen or 'none'}); "
            f"images end in {', '.join(EXTENSIONS)}, in any letter case"
        )
    if others:
        first = min(path for names in others.values() for path in names)
        logger.info("%s: other files are left out: %s (%s)", folder, seen, first)
    return sorted(paths)


def _walk(
    folder: str, above: tuple[tuple[int, int], ...], unlisted: list[str] | None
) -> Iterator[str]:
    """Yield the paths of all visible files; do not follow a link to a folder above."""
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:
        logger.warning("%s leads back to a folder above it: not followed", folder)
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
        if os.path.isdir(entry.path):
            yield from _walk(entry.path, (*above, here), unlisted)
        elif os.path.isfile(entry.path) or entry.is_symlink():
            yield entry.path


def _class_names(root: str, folder: str, classes: set[str]) -> tuple[str, ...]:
    """Sort the classes of all splits together: train and test number them alike."""
    for sibling in SPLIT_FOLDERS if folder != root else ():
        path = os.path.join(root, sibling)
        if os.path.isdir(path):
            inside = (entry for entry in os.scandir(path) if os.path.isdir(entry.path))
            classes |= {e.name for e in inside if not e.name.startswith(".")}
    if len(classes) == 1:
        (only,) = classes
        raise UsageError(
            f"{folder} holds a single class, {only!r}; for photos without labels give "
            f"the folder that holds them: --dataset=folder:{os.path.join(folder, only)}"
        )
    return tuple(sorted(classes))
