"""Photos in a folder: class sub-folders, or a flat folder without labels."""

import bisect
import logging
import os

import numpy as np

from ressl_tf.data import annotations, class_folders, splits
from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.listing import EXTENSIONS, list_images
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError

__all__ = ["EXTENSIONS", "Folder"]
LAST = chr(0x10FFFF)  # sorts behind any character of a path
log = logging.getLogger("ressl_tf")


class Folder(ImageFiles):
    """Encoded images by path, in sorted order.

    `root/<class>/**/*.jpg` has labels. When any image lies directly in `root`, it is a
    flat folder, and no image has a label. If `root` has a sub-folder train, test,
    validation or val, in any letter case or one of the other words of `data.splits`, a
    split is a sub-folder; otherwise the split "train" is the whole folder. Splits may
    also lie in each class (`root/<class>/train/*.jpg`). Hidden files and what programs
    make for themselves (`__MACOSX`) are left out; folders without images are no
    classes. Symbolic links are followed, except those back to a folder above. A link
    that leads nowhere is an unreadable image.

    Args:
        root: the folder.
        split: one of its sub-folders, or "train".
        skip_unlisted: whether to leave out sub-folders that cannot be listed, and name
            them in `unlisted`; otherwise they are an error.
        labels: "auto"; "folders": sub-folders are classes, and images directly in the
            folder have no label; "none": no image has one.

    Raises:
        UsageError: no such folder or split, no images, a single class.
        OSError: a folder cannot be listed.
    """

    def __init__(
        self, root: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        self.name = f"folder:{root}"
        if not storage.is_folder(root):
            raise UsageError(f"No such folder. Received: --dataset={self.name}")
        given = root
        root, found = splits.located(given)
        if root != given:
            log.info("%s: its splits are in %s", given, root)
        below = {} if found else splits.below_classes(root)
        unlisted: list[str] | None = [] if skip_unlisted else None
        self.label_names: tuple[str, ...] | None = None
        if below:
            self._list_below_classes(root, split, below, unlisted)
        else:
            self.folder = splits.choose(root, split, found)
            self.paths = list_images(self.folder, unlisted)
            self.labels = np.full(len(self.paths), NO_LABEL, np.int32)
        self.unlisted = tuple(unlisted or ())
        if labels == "none":
            log.info("%s: no labels, as --labels=none says", self.folder)
            self.labels, self.label_names = np.full_like(self.labels, NO_LABEL), None
        elif not below:
            siblings = [os.path.join(root, name) for name in found.values()]
            self._find_labels([*map(splits.unwrapped, siblings)], labels == "folders")
        self._hold()

    def _list_below_classes(
        self,
        root: str,
        split: str,
        below: dict[str, dict[str, str]],
        unlisted: list[str] | None,
    ) -> None:
        """List the split of each class, where the splits lie below the classes."""
        self.folder, self.paths = root, []
        self.label_names = tuple(sorted(below))
        labels: list[int] = []
        wanted = splits.SPLIT_OF.get(split.lower(), split)
        for label, name in enumerate(self.label_names):
            if wanted in below[name]:
                folder = os.path.join(root, name, below[name][wanted])
                found = list_images(folder, unlisted)
                self.paths += found
                labels += [label] * len(found)
        if not labels:
            known = sorted(set().union(*below.values()))
            raise UsageError(
                f"{root} has the splits {', '.join(known)}. Received: {split!r}"
            )
        self.labels = np.array(labels, np.int32)
        log.info("%s: %d classes, each with its own %s", root, len(below), wanted)

    def _find_labels(self, siblings: list[str], demanded: bool) -> None:
        """Take the classes of all splits together, and log what they are."""
        start = len(os.path.join(self.folder, ""))
        inside, place = _sub_folder_of_each(self.paths, start)
        own = set(inside)
        loose = next((self.paths[row][start:] for row in np.flatnonzero(place < 0)), "")
        if loose and not (demanded and own):
            if demanded:
                raise UsageError(
                    f"{self.folder} has no sub-folder with images. Received: "
                    "labels=folders"
                )
            beside = ", ".join(sorted(own)[:3])
            also = f"; beside it folders, no classes then: {beside}" if own else ""
            log.info("%s: no labels, a flat folder (%s%s)", self.folder, loose, also)
            return
        names = class_folders.names(self.folder, own, siblings)
        if names is None:
            self._read_annotations(own, siblings)
            return
        number = {name: label for label, name in enumerate(names)}
        self.label_names = names
        of_inside = [*(number[name] for name in inside), NO_LABEL]
        self.labels = np.array(of_inside, np.int32)[place]
        folder = self.folder
        log.info("%s: %d classes, from the sub-folders of it", folder, len(names))
        if loose:
            count = int(np.sum(self.labels == NO_LABEL))
            log.info("%s: %d images lie beside them: no label", self.folder, count)

    def _read_annotations(self, own: set[str], siblings: list[str]) -> None:
        """Take labels from Tiny ImageNet's text file, or say that there are none."""
        names = class_folders.of_siblings(self.folder, siblings)
        classes = annotations.read(self.folder, names)
        if classes is None:
            log.warning(
                "%s: no labels: its only sub-folder %s is no class of other splits",
                *(self.folder, ", ".join(own)),
            )
            return
        number = {name: label for label, name in enumerate(names)}
        found = [classes.get(os.path.basename(path), "") for path in self.paths]
        self.label_names = names
        self.labels = np.array([number.get(c, NO_LABEL) for c in found], np.int32)


def _sub_folder_of_each(paths: list[str], start: int) -> tuple[list[str], np.ndarray]:
    """Return names of sub-folders, and the number of each path's; -1 for none.

    Args:
        paths: of files below a folder, sorted.
        start: length of the folder's path and its separator.
    """
    names: list[str] = []
    place = np.full(len(paths), -1, np.int64)
    row = 0
    while row < len(paths):
        end = paths[row].find(os.sep, start)
        if end < 0:
            row += 1
            continue
        name = paths[row][start:end]  # sorted paths of a folder follow one another
        after = paths[row][: end + 1] + LAST
        following = bisect.bisect_right(paths, after, row)
        place[row:following] = len(names)
        names.append(name)
        row = following
    return names, place
