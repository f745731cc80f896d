"""Features of a set while they are on the way into a file."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ressl_tf.data.sources import Source


@dataclasses.dataclass(frozen=True)
class Table:
    """A row for each readable image; the features are read block by block.

    Attributes:
        source: the images.
        rows: int64 [n], their rows in the source, rising.
        labels: int32 [n], below 0 for none.
        shape: (n, f).
        dtype: of the features.
        blocks: returns an iterator of features [m, f], all in order.
        about: the encoder and the set, ready for JSON.
    """

    source: Source
    rows: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int]
    dtype: np.dtype
    blocks: Callable[[], Iterator[np.ndarray]]
    about: dict[str, Any]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers; empty without labels."""
        return self.source.label_names or ()

    def names(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return paths of images, or other names, from `start` to before `stop`."""
        return [self.source.example_name(row) for row in self.rows[start:stop].tolist()]

    def classes(self, start: int, stop: int) -> list[str | None]:
        """Return names of classes from `start` to before `stop`; None without."""
        names = self.label_names
        labels = self.labels[start:stop].tolist()
        return [names[k] if names and k >= 0 else None for k in labels]

    def __iter__(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield (start, stop, features [stop - start, f]), all in order."""
        start = 0
        for block in self.blocks():
            yield start, start + len(block), block
            start += len(block)


def of_features(
    source: Source,
    rows: np.ndarray,
    features: np.ndarray,
    labels: np.ndarray,
    about: Mapping[str, Any],
) -> Table:
    """Return a table of features that are in memory.

    Args:
        source: the images.
        rows: int64 [n], their rows in the source, rising.
        features: [n, f].
        labels: [n], below 0 for none.
        about: `image_size`, and what else is known.
    """
    return Table(
        source,
        rows,
        labels.astype(np.int32),
        (len(features), features.shape[1]),
        features.dtype,
        lambda: iter([features]),
        {"outputs": "features", **about},
    )
