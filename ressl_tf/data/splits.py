"""Which sub-folders of a folder are its splits: train, Training, val, valid, Test."""

import itertools
import logging
import os
import re

from ressl_tf.data.listing import first_image, sub_folders
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
WORDS = {
    "train": ("train", "training", "trn", "trainval"),
    "test": ("test", "testing", "tst", "holdout", "heldout"),
    "validation": (
        *("validation", "val", "valid", "validate", "validating"),
        *("eval", "evaluation", "dev", "development"),
    ),
}
SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
NOUNS = "(sets?|data|images?|imgs?|split|folder)?"  # training_set, val-images
NUMBER = "[0-9]*"  # train2017, 01_train
PARTS = "[A-Z]?[a-z]+|[A-Z]+"  # of segTrain, seg_train, SEG-TRAIN


def split_folders(root: str) -> dict[str, str]:
    """Find the splits of a folder: train, test, validation -> name of a sub-folder.

    A sub-folder is a split by its name, in any letter case: `WORDS`, also with a noun
    or a number beside them (training_set, val2017, 01_train). So are those that differ
    in such a word alone (seg_train, seg_test). A lone one that holds its images
    directly, as its neighbours do, is a class like them, and a warning says so.

    Returns:
        An empty dict where the folder is not divided into splits.

    Raises:
        UsageError: two sub-folders are the same split by their names.
    """
    inside = sub_folders(root)
    found = _spelled(root, [name for name in inside if split_of(name)])
    if len(found) == 1:
        (name,) = found.values()
        others = [other for other in inside if other != name]
        if _is_class(root, name, others):
            log.warning(
                "%s is taken for a class, not for a split: its neighbours hold images "
                "as it does (%s); splits are train/ and test/ above the classes",
                *(os.path.join(root, name), ", ".join(others[:3])),
            )
            return {}
    return found or _of_one_name(root, inside)


def split_of(name: str) -> str | None:
    """Return the split that a folder's name stands for; None for none."""
    plain = re.sub("[ _.-]", "", name.lower())
    pattern = f"{NUMBER}({'|'.join(SPLIT_OF)}){NOUNS}{NUMBER}"
    match = re.fullmatch(pattern, plain)
    return SPLIT_OF[match[1]] if match else None


def below_classes(root: str) -> dict[str, dict[str, str]]:
    """Find splits below the classes (cat/train, cat/test): class -> its splits.

    Returns:
        An empty dict where not every sub-folder with images has a split for training
        and another one.

    Raises:
        UsageError: the sub-folders are sets of their own, with classes in each.
    """
    found: dict[str, dict[str, str]] = {}
    for name in sub_folders(root):
        folder = os.path.join(root, name)
        if first_image(folder) is None:
            continue
        splits = split_folders(folder)
        if len(splits) > 1 and "train" in splits:
            found[name] = splits
        else:
            return {}
    if len(found) < 2:
        return {}
    for name, splits in found.items():
        if not first_image(os.path.join(root, name, splits["train"]), deep=False):
            raise UsageError(
                f"{root} holds several sets with splits of their own "
                f"({', '.join(found)}); give one: --dataset=folder:"
                f"{os.path.join(root, name)}"
            )
    return found


def located(root: str) -> tuple[str, dict[str, str]]:
    """Return the folder with the splits, and these, as of `split_folders`.

    It is another where all images lie below one sub-folder: images/train and
    images/test, ILSVRC/Data/CLS-LOC/train.
    """
    found = split_folders(root)
    if found or first_image(root, deep=False):
        return root, found
    names = (name for name in sub_folders(root) if _holds(root, name))
    holding = list(itertools.islice(names, 2))
    if len(holding) == 1:
        inner, inside = located(os.path.join(root, holding[0]))
        if inside:
            return inner, inside
    return root, {}


def _holds(folder: str, name: str) -> bool:
    return first_image(os.path.join(folder, name)) is not None


def _of_one_name(root: str, inside: list[str]) -> dict[str, str]:
    """Find the folders whose names differ in the word of a split alone."""
    sets: dict[tuple[str, ...], dict[str, str]] = {}
    for name in inside:
        parts = [part.lower() for part in re.findall(PARTS, name)]
        words = [part for part in parts if part in SPLIT_OF]
        if len(words) == 1:
            rest = tuple(part for part in parts if part not in SPLIT_OF)
            sets.setdefault(rest, {})[SPLIT_OF[words[0]]] = name
    sets = {rest: of for rest, of in sets.items() if len(of) > 1 and "train" in of}
    if len(sets) > 1:
        several = ", ".join("_".join(rest) for rest in sets)
        raise UsageError(
            f"{root} holds the splits of several sets ({several}); put each set into a "
            "folder of its own, with train/ and test/ in it"
        )
    return next(iter(sets.values()), {})


def _spelled(root: str, names: list[str]) -> dict[str, str]:
    """Give each split its one folder; test1, test2, ... are none."""
    found: dict[str, str] = {}
    plain = [name for name in names if not (name[-1].isdigit() or name[0].isdigit())]
    for split in WORDS:
        all_of = [name for name in names if split_of(name) == split]
        of = [name for name in all_of if name in plain] or all_of
        if len(of) > 1 and set(of) <= set(plain):
            raise UsageError(
                f"{root} holds the split {split!r} more than once: {', '.join(of)}; "
                "keep one, or move the others elsewhere"
            )
        if len(of) == 1:
            found[split] = of[0]
    return found


def _is_class(root: str, name: str, others: list[str]) -> bool:
    """Whether a lone split's folder and one beside it hold images directly."""
    directly = [first_image(os.path.join(root, n), deep=False) for n in (name, *others)]
    return bool(directly[0] and any(directly[1:]))


def choose(root: str, split: str, found: dict[str, str]) -> str:
    """Return the folder of a split, of those that `split_folders` found.

    Raises:
        UsageError: there is no such split.
    """
    if not found:
        if split == "train":
            return root
        raise UsageError(
            f"{root} is not divided into splits, so that its only split is 'train'; "
            f"put test photos into {os.path.join(root, 'test')}. Received: {split!r}"
        )
    inside = sub_folders(root)
    name = found.get(SPLIT_OF.get(split.lower(), ""), split)
    if name not in inside:
        raise UsageError(
            f"{root} has the splits {', '.join(inside)}. Received: {split!r}"
        )
    if name != split:
        log.info("%s: the split %s is the folder %s", root, split, name)
    unread = [n for n in inside if n not in (name, *found.values())]
    if unread := [n for n in unread if first_image(os.path.join(root, n))]:
        others = ", ".join(unread)
        log.warning("%s: no splits, and their images are not read: %s", root, others)
    wrapped = os.path.join(root, name)
    folder = unwrapped(wrapped)
    if folder != wrapped:
        log.info("%s holds only %s: that is read", wrapped, os.path.basename(folder))
    return folder


def unwrapped(folder: str) -> str:
    """Return the folder inside, where an archive wrote a split's name twice.

    seg_train/seg_train holds the classes, not seg_train.
    """
    split = split_of(os.path.basename(folder))
    inside = sub_folders(folder)
    doubled = [
        *(name for name in inside if name == os.path.basename(folder)),
        *(name for name in inside if split and split_of(name) == split),
    ]
    others = (os.path.join(folder, name) for name in inside if name not in doubled[:1])
    if not doubled or first_image(folder, deep=False) or any(map(first_image, others)):
        return folder
    return os.path.join(folder, doubled[0])
