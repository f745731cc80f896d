"""Which sub-folders are classes, alike in all splits of a set."""

import logging
import os

from ressl_tf.data.listing import first_image, sub_folders
from ressl_tf.runtime.errors import UsageError

HOLDERS = (  # lone folders of these names, in lower case, hold images of any class
    *("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "data"),
    *("unknown", "unlabeled", "unlabelled", "unsorted", "all"),
)
ANNOTATIONS = (  # folders of these names, in lower case, rarely hold photos
    *("mask", "masks", "label", "labels", "annotation", "annotations"),
    *("segmentation", "segmentations", "groundtruth", "ground_truth", "gt"),
    *("unlabeled", "unlabelled", "labeled", "labelled"),
)
log = logging.getLogger("ressl_tf")


def names(folder: str, own: set[str], siblings: list[str]) -> tuple[str, ...] | None:
    """Sort the classes of all splits together: train and test number them alike.

    Args:
        folder: of the split.
        own: its sub-folders with images.
        siblings: the folders of all splits.

    Returns:
        None where the only sub-folder is no class, but holds the images of the split.

    Raises:
        UsageError: there is a single class.
    """
    others = _of_others(folder, siblings)
    if _is_holder(own, others):
        return None
    classes = own | _known(others, own)
    if len(classes) == 1:
        (only,) = classes
        raise UsageError(
            f"{folder} holds a single class, {only!r}; for photos without labels give "
            f"--labels=none, or the folder that holds them: "
            f"--dataset=folder:{os.path.join(folder, only)}"
        )
    _warn_of_names(folder, classes)
    return tuple(sorted(classes))


def _warn_of_names(folder: str, classes: set[str]) -> None:
    """Warn of classes that are likely none, or one in two spellings."""
    if annotating := sorted(n for n in classes if n.lower() in ANNOTATIONS):
        log.warning(
            "%s: the folder %s is taken for a class; if it holds no photos to learn "
            "from, move it elsewhere, or give the folder that does",
            *(folder, ", ".join(annotating)),
        )
    spelled: dict[str, list[str]] = {}
    for name in sorted(classes):
        spelled.setdefault(name.casefold(), []).append(name)
    for names_of_one in spelled.values():
        if len(names_of_one) > 1:
            log.warning(
                "%s: %s are classes of their own: their letters differ in case alone",
                *(folder, " and ".join(names_of_one)),
            )


def of_siblings(folder: str, siblings: list[str]) -> tuple[str, ...]:
    """Sort the classes of the other splits; those that only hold images have none."""
    return tuple(sorted(_known(_of_others(folder, siblings), set())))


def _known(others: list[set[str]], own: set[str]) -> set[str]:
    """Return the classes of other splits, of those that do not only hold images."""
    everything = [*others, own]
    kept: set[str] = set()
    for index, classes in enumerate(others):
        rest = everything[:index] + everything[index + 1 :]
        if not _is_holder(classes, rest):
            kept |= classes
    return kept


def _of_others(folder: str, siblings: list[str]) -> list[set[str]]:
    return [_classes(path) for path in siblings if path != folder]


def _classes(folder: str) -> set[str]:
    """List the sub-folders with images; of a flat folder none."""
    if first_image(folder, deep=False):
        return set()
    inside = sub_folders(folder)
    return {name for name in inside if first_image(os.path.join(folder, name))}


def _is_holder(own: set[str], others: list[set[str]]) -> bool:
    """Whether a split's only sub-folder holds its images, of whatever class."""
    if len(own) != 1:
        return False
    (only,) = own
    is_class = any(only in other and len(other) > 1 for other in others)
    return only.lower() in HOLDERS and not is_class
