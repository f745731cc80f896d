"""Sets of images, counted and read example by example."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.augment.oriented import upright_sides
from ressl_tf.data.decode import complaint, decode_any, decode_as_stored
from ressl_tf.data.multi_label import MultiLabels, one_hot

NO_LABEL = -1


class EncodedImages(Protocol):
    """Images by number, as they lie on the disk, readable or not.

    Attributes:
        name: of the set, for messages.
        label_names: class names in the order of their numbers, or None.
        decoding: how their bytes become pixels.
        unlisted: names of folders that may hold more images and cannot be listed.
    """

    name: str
    label_names: tuple[str, ...] | None
    decoding: Decoding = Decoding()
    unlisted: tuple[str, ...] = ()

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of images."""

    @abc.abstractmethod
    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""

    @abc.abstractmethod
    def example_name(self, row: int) -> str:
        """Name an image, for messages."""

    @abc.abstractmethod
    def all_labels(self) -> np.ndarray:
        """Return the label of every image, int32 [n]."""

    def multi_labels(self) -> MultiLabels | None:
        """Return the classes that each image shows; None where there are none."""
        return one_hot(self.all_labels(), self.label_names)

    @abc.abstractmethod
    def state(self) -> Iterator[tuple]:
        """Yield all that the images depend on, for the hash of a cache."""

    def state_of(self, rows: np.ndarray) -> Iterator[tuple]:
        """Yield all that these images depend on; `state` where they share a file."""
        yield tuple(rows.tolist())
        yield from self.state()

    def example(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read and decode int64 [] -> ([height, width, channels], int32 [])."""
        encoded, label = self.read(row)
        return decode_any(encoded, self.decoding), label

    def example_as_stored(
        self, row: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Read as `example` does, without turning: (image, orientation, label)."""
        encoded, label = self.read(row)
        return *decode_as_stored(encoded, self.decoding), label

    def why_unreadable(self, row: int) -> str | None:
        """Say in one line what is wrong with an image; None for nothing."""
        try:
            self.example(tf.constant(row, tf.int64))
        except tf.errors.OpError as error:
            return complaint(error)
        return None

    def shapes(self, rows: np.ndarray) -> list[tuple[int, int, int]]:
        """Return the shapes of those images that decode, of a few.

        One by one: in threads of Python TensorFlow's operations have crashed it.
        """
        found = map(self._shape, rows.tolist())
        return [shape for shape in found if shape is not None]

    def _shape(self, row: int) -> tuple[int, int, int] | None:
        try:
            image, orientation, _ = self.example_as_stored(tf.constant(row, tf.int64))
        except tf.errors.OpError:
            return None
        sides = upright_sides(tf.shape(image)[:2], orientation)
        return *sides.numpy().tolist(), image.shape[2]

    @tf.autograph.experimental.do_not_convert  # slow, for nothing
    def each_readable(
        self, function: Callable[[tf.Tensor], Any], rows: np.ndarray | None = None
    ) -> tf.data.Dataset:
        """Map `function` over rows in their order, leaving out those where it fails.

        Args:
            function: takes a row, int64 [].
            rows: int64 [m]; None for all.
        """
        rows = np.arange(self.size) if rows is None else rows
        dataset = tf.data.Dataset.from_tensor_slices(rows)
        parallel = dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE)
        return parallel.ignore_errors()


class Source(Protocol):
    """A set of images that is read example by example: one of the two classes below."""

    @property
    def name(self) -> str:
        """The folder's path or the TFDS name."""

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """Class names in the order of their numbers, or None."""

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the unreadable images that were left out."""

    @property
    def size(self) -> int:
        """Number of examples."""

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Shape of every image; None where they may differ."""

    @property
    def dtype(self) -> str:
        """Type of the images: "uint8", or "float32" of deep ones; on 0..255."""

    def take(self, rows: np.ndarray) -> "Source":
        """Return the source of these examples alone, in this order."""

    def all_labels(self) -> np.ndarray:
        """Return the label of every example, int32 [n]."""

    def example(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> ([height, width, 3], int32 [])."""

    def example_name(self, index: int) -> str:
        """Name an example, for messages."""

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """Return the shapes of those examples that decode."""

    def why_unreadable(self, index: int) -> str | None:
        """Say in one line what is wrong with an example; None for nothing."""


@dataclasses.dataclass(frozen=True)
class MemorySource:
    """A small set of images of one size, decoded once.

    Attributes:
        name: the folder's path or the TFDS name.
        images: uint8 or float32 tensor [n, height, width, 3] in host memory.
        labels: int32 [n], or -1 throughout when `label_names` is None.
        label_names: class names in the order of their numbers, or None.
        skipped: names of the unreadable images that were left out.
        names: of the images, by number; None where they have none.
    """

    name: str
    images: tf.Tensor
    labels: np.ndarray
    label_names: tuple[str, ...] | None
    skipped: tuple[str, ...]
    names: Callable[[int], str] | None = None

    @classmethod
    def of(cls, name: str, images: np.ndarray, *others: Any) -> "MemorySource":
        """Hold an array of images in host memory; the other arguments as above."""
        with tf.device("CPU:0"):
            return cls(name, tf.constant(images), *others)

    @property
    def size(self) -> int:
        """Number of examples."""
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of every image."""
        return tuple(self.images.shape[1:])

    @property
    def dtype(self) -> str:
        """Type of the images."""
        return self.images.dtype.name

    def take(self, rows: np.ndarray) -> "MemorySource":
        """Return the source of these examples alone, in this order."""
        with tf.device("CPU:0"):
            images = tf.gather(self.images, rows)
        numbers, names = np.asarray(rows), self.example_name
        return dataclasses.replace(
            self,
            images=images,
            labels=self.labels[rows],
            names=lambda index: names(int(numbers[index])),
        )

    def all_labels(self) -> np.ndarray:
        """Return the label of every example, int32 [n]."""
        return self.labels

    def examples(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gather int64 [m] -> ([m, height, width, 3], int32 [m])."""
        return tf.gather(self.images, rows), tf.gather(self.labels, rows)

    def example(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gather int64 [] -> ([height, width, 3], int32 [])."""
        return self.examples(index)

    def example_name(self, index: int) -> str:
        """Name an example: a file, a record, or its number where it has no name."""
        if self.names is not None:
            return self.names(index)
        return f"{self.name}, image {index}"

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """Return the one shape, once per example."""
        return [self.image_shape] * len(indices)

    def why_unreadable(self, index: int) -> None:
        """Return None: all examples are decoded."""


@dataclasses.dataclass(frozen=True)
class StreamSource:
    """A set that is read one image at a time when it is used, decoded or encoded.

    Attributes:
        name: as in `MemorySource`.
        encoded: the images on the disk; a cache holds them decoded.
        label_names: as in `MemorySource`.
        rows: int64 [n], numbers of the usable examples in `encoded`.
        skipped: as in `MemorySource`.
        image_shape: None, as sizes may vary.
    """

    name: str
    encoded: EncodedImages
    label_names: tuple[str, ...] | None
    rows: tf.Tensor
    skipped: tuple[str, ...]
    image_shape = None

    @property
    def images(self) -> tf.Tensor:
        """Not there, as images are read when they are used: says how to get them.

        Raises:
            AttributeError: always.
        """
        raise AttributeError(
            f"{self.name} is read image by image: example(i) gives one of them; "
            "cache='memory' holds all, if they have one size"
        )

    @property
    def size(self) -> int:
        """Number of examples."""
        return len(self.rows)

    @property
    def dtype(self) -> str:
        """Type of the images."""
        return self.encoded.decoding.dtype

    def take(self, rows: np.ndarray) -> "StreamSource":
        """Return the source of these examples alone, in this order."""
        with tf.device("CPU:0"):
            return dataclasses.replace(self, rows=tf.gather(self.rows, rows))

    def all_labels(self) -> np.ndarray:
        """Return every label, int32 [n]; it reads a TFDS set once, without decoding."""
        return self.encoded.all_labels()[self._numbers]

    @functools.cached_property
    def _numbers(self) -> np.ndarray:
        """The rows for Python, which would take a millisecond for one of a tensor."""
        return self.rows.numpy()

    def example(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read and decode int64 [] -> ([height, width, 3], int32 [])."""
        return self.encoded.example(tf.gather(self.rows, index))

    def example_as_stored(
        self, index: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Read as `example` does, without turning: (image, orientation, label)."""
        return self.encoded.example_as_stored(tf.gather(self.rows, index))

    def example_name(self, index: int) -> str:
        """Name an example, for messages."""
        return self.encoded.example_name(int(self._numbers[index]))

    def shapes(self, indices: np.ndarray) -> list[tuple[int, int, int]]:
        """Return the shapes of those examples that decode."""
        return self.encoded.shapes(self._numbers[indices])

    def why_unreadable(self, index: int) -> str | None:
        """Say in one line what is wrong with an example; None for nothing."""
        return self.encoded.why_unreadable(int(self._numbers[index]))
