"""Sets of images, counted and read example by example."""

import contextlib
import dataclasses
import re

import numpy as np
import tensorflow as tf

from ressl_tf.data.cache import Cached
from ressl_tf.data.folder import Folder
from ressl_tf.data.tfds import Records
from ressl_tf.runtime.errors import RunError


@dataclasses.dataclass(frozen=True)
class MemorySource:
    """A small set of images of one size, decoded once.

    Attributes:
        name: the folder's path or the TFDS name.
        images: uint8 tensor [n, height, width, 3] in host memory.
        labels: int32 [n], or -1 throughout when `label_names` is None.
        label_names: class names in the order of their numbers, or None.
        skipped: names of the unreadable images that were left out.
    """

    name: str
    images: tf.Tensor
    labels: np.ndarray
    label_names: tuple[str, ...] | None
    skipped: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.images.shape[1:])

    def take(self, rows: np.ndarray) -> "MemorySource":
        """The source of these examples alone, in this order."""
        with tf.device("CPU:0"):
            images = tf.gather(self.images, rows)
        return dataclasses.replace(self, images=images, labels=self.labels[rows])

    def all_labels(self) -> np.ndarray:
        """int32 [n]."""
        return self.labels

    def examples(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """int64 [m] -> (uint8 [m, height, width, 3], int32 [m])."""
        return tf.gather(self.images, rows), tf.gather(self.labels, rows)


@dataclasses.dataclass(frozen=True)
class StreamSource:
    """A set that is read, and decoded or not, one image at a time, when it is used.

    Attributes as `MemorySource`; `image_shape` is None as sizes may vary.
    """

    name: str
    encoded: Folder | Records | Cached
    label_names: tuple[str, ...] | None
    rows: tf.Tensor  # int64 [n], numbers of the usable examples in `encoded`
    skipped: tuple[str, ...]
    image_shape = None

    @property
    def size(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> "StreamSource":
        """The source of these examples alone, in this order."""
        with tf.device("CPU:0"):
            return dataclasses.replace(self, rows=tf.gather(self.rows, rows))

    def all_labels(self) -> np.ndarray:
        """int32 [n]; reads every record of a TFDS set once, without decoding."""
        return self.encoded.all_labels()[self.rows.numpy()]

    def example(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """int64 [] -> (uint8 [height, width, 3], int32 []); reads and decodes."""
        return self.encoded.example(tf.gather(self.rows, index))

    def example_name(self, index: int) -> str:
        return self.encoded.example_name(int(self.rows[index]))

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        return self.encoded.shapes(self.rows.numpy()[indices])

    def why_unreadable(self, index: int) -> str | None:
        return self.encoded.why_unreadable(int(self.rows[index]))


Source = MemorySource | StreamSource


@contextlib.contextmanager
def bad_images_as_run_errors():
    """Turns the error that a batch of `data.pipeline` ends with into its `RunError`.

    tf.data wraps what its functions raise in an error of its own, traceback included.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"RunError: (.*)", error.message)
        if not found:
            raise
        raise RunError(found[1]) from None


def unreadable(name: str, reason: str, count: str = "") -> RunError:
    """The error about an image that cannot be read, and what to do about it."""
    return RunError(
        f"Cannot read image {name}: {reason}{count}; remove it, or leave such images "
        f"out with on_bad_image=skip"
    )
