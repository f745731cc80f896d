"""Encoded images of which each shard holds many."""

from collections.abc import Iterator

import numpy as np

from ressl_tf.data.records import file_state
from ressl_tf.data.sources import EncodedImages


class Sharded(EncodedImages):
    """What all sets in shards have in common.

    Attributes:
        files: paths of the shards, in order.
        file_of: int [n], the shard of each image.
        labels: int32 [n], -1 for none.
    """

    files: list[str]
    file_of: np.ndarray
    labels: np.ndarray

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.file_of)

    def all_labels(self) -> np.ndarray:
        """Return the label of every image, int32 [n]."""
        return self.labels

    def state(self) -> Iterator[tuple]:
        """Yield the state of each shard, on which the images depend."""
        return map(file_state, self.files)
