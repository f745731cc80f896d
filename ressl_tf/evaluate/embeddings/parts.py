"""Features on the disk while they are made: parts that follow one another.

A part holds the readable images of a range of rows of the set, [start, stop), and its
name says which. It is written whole or not at all, so that after a kill the chain of
parts ends where the work goes on: without a gap, and no image twice.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from ressl_tf.runtime import archives
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError

NAME = re.compile(r"(\d{12})-(\d{12})\.npz")


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows of the set.

    Attributes:
        rows: int64 [m], rows of the readable images, rising.
        labels: int32 [m], below 0 for none.
        features: [m, f].
    """

    rows: np.ndarray
    labels: np.ndarray
    features: np.ndarray


class Parts:
    """The chain of parts in a folder, from row 0 on.

    Args:
        folder: that holds the parts and nothing else of such names.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.files: list[pathlib.Path] = []
        self.stop = 0  # the row after the last that is done
        ranges = {}
        for path in folder.iterdir():
            if found := NAME.fullmatch(path.name):
                ranges[int(found[1])] = path, int(found[2])
        while self.stop in ranges:
            path, self.stop = ranges[self.stop]
            self.files.append(path)

    def add(self, stop: int, part: Part) -> None:
        """Write the part of the rows from `self.stop` to before `stop`.

        Raises:
            RunError: the disk is full.
        """
        if stop == self.stop:
            return
        path = self.folder / f"{self.stop:012}-{stop:012}.npz"
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **dataclasses.asdict(part))  # type: ignore[arg-type]
        self.files.append(path)
        self.stop = stop

    def __iter__(self) -> Iterator[Part]:
        """Read the parts, one at a time.

        Raises:
            RunError: one is damaged.
        """
        for path in self.files:
            try:
                part = Part(**archives.read_arrays(path))
            except Exception as error:  # of the zip, of NumPy and of the disk
                raise RunError(
                    f"{path} is damaged ({error}); remove {self.folder} and begin anew"
                ) from None
            yield part

    def rows_and_labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return rows, int64 [n], and labels, int32 [n], of all parts."""
        rows, labels = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        for path in self.files:
            arrays = archives.read_arrays(path, ("rows", "labels"))
            rows.append(arrays["rows"])
            labels.append(arrays["labels"])
        return np.concatenate(rows), np.concatenate(labels)
