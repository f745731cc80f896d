"""Encoded images of which each is a file of its own."""

import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ressl_tf.data.records import file_state
from ressl_tf.data.sources import EncodedImages


class ImageFiles(EncodedImages):
    """Files and their labels, which `_hold` takes once both are known.

    Attributes:
        paths: of the files.
        labels: int32 [n], -1 for none.
    """

    paths: list[str]
    labels: np.ndarray

    def _hold(self) -> None:
        """Keep paths and labels as tensors for `read`; of each folder its path once."""
        number: dict[str, int] = {}
        folders = (path[: path.rfind(os.sep) + 1] for path in self.paths)
        numbers = (number.setdefault(folder, len(number)) for folder in folders)
        rows = np.fromiter(numbers, np.int32, len(self.paths))
        # All at once, for no path has a null character: quicker than one by one.
        names = "\0".join(path[path.rfind(os.sep) + 1 :] for path in self.paths)
        with tf.device("CPU:0"):
            self._folders = tf.constant([*map(os.fsencode, number)])
            self._folder_of = tf.constant(rows)
            self._names = tf.constant(
                os.fsencode(names).split(b"\0"), shape=[len(rows)]
            )
            self._labels = tf.constant(self.labels)

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.paths)

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""
        folder = tf.gather(self._folders, tf.gather(self._folder_of, row))
        path = tf.strings.join([folder, tf.gather(self._names, row)])
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

    def state_of(self, rows: np.ndarray) -> Iterator[tuple]:
        """Yield the state of these files."""
        return (file_state(self.paths[row]) for row in rows)
