"""Labels in a text file, as Tiny ImageNet has for its validation images."""

from collections.abc import Sequence

from ressl_tf.runtime import storage

ENDING = "_annotations.txt"


def read(folder: str, names: Sequence[str]) -> dict[str, str] | None:
    """Read `*_annotations.txt`: file name, tab, class, and what is not read here.

    Args:
        folder: of the split, which holds the file.
        names: the classes of the other splits.

    Returns:
        File name -> class; None where there is no such file of these classes.
    """
    with storage.scan(folder) as entries:
        found = sorted(e.path for e in entries if e.name.endswith(ENDING))
    for path in found:
        text = storage.read_bytes(path).decode("utf-8", "surrogateescape")
        rows = [line.split("\t") for line in text.replace("\r\n", "\n").split("\n")]
        classes = {row[0]: row[1] for row in rows if len(row) > 1}
        if classes and set(classes.values()) <= set(names):
            return classes
    return None
