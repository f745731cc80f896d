"""Labels in a text file, as Tiny ImageNet has for its validation images."""

import glob
import os
from collections.abc import Sequence


def read(folder: str, names: Sequence[str]) -> dict[str, str] | None:
    """Read `*_annotations.txt`: file name, tab, class, and what is not read here.

    Args:
        folder: of the split, which holds the file.
        names: the classes of the other splits.

    Returns:
        File name -> class; None where there is no such file of these classes.
    """
    pattern = os.path.join(glob.escape(folder), "*_annotations.txt")
    for path in sorted(glob.glob(pattern)):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        classes = {row[0]: row[1] for row in rows if len(row) > 1}
        if classes and set(classes.values()) <= set(names):
            return classes
    return None
