"""Sets of images: opened by name, counted, and read example by example."""

import contextlib
import dataclasses
import logging
import re

import numpy as np
import tensorflow as tf

from ressl_tf.config.run_flags import CACHES, MAX_PIXELS
from ressl_tf.data.cache import Cached, open_cache
from ressl_tf.data.folder import Folder
from ressl_tf.data.tfds import Records, open_builder
from ressl_tf.runtime.errors import RunError, UsageError

MEMORY_LIMIT = 2 * 2**30  # decoded bytes
PROBES = 32  # images looked at to see whether a set is of one size
BAD_IMAGE_ACTIONS = ("stop", "skip")

logger = logging.getLogger("ressl_tf")


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


def load_source(
    dataset: str,
    split: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    on_bad_image: str = "stop",
    max_pixels: int = MAX_PIXELS,
    cache: str = "auto",
    cache_dir: str | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Source:
    """Opens a set of images.

    Args:
        dataset: "folder:/path", "shapes", or a TFDS name ("cifar10", "name/config").
        split: "train", "test", ...; for TFDS also its parts, as "train[:10%]".
        data_dir: where TFDS keeps its data; None is ~/tensorflow_datasets.
        download: lets TFDS download what is not prepared.
        on_bad_image: "stop" raises at the first unreadable image that is met: here, if
            all are decoded into memory or onto the disk. "skip" leaves unreadable
            images out, before training, so that the order of the others is fixed; for
            a set that streams it costs one pass of decoding.
        max_pixels: an image of more, by its header, is unreadable.
        cache: where decoded images are kept. "auto": in memory, if they are of one size
            and at most `memory_limit`, else nowhere. "memory": there, or an error.
            "disk": see `data.cache`. "none": they are decoded whenever they are used.
        cache_dir: of "disk"; None is `cache.default_folder()`.
        memory_limit: in bytes.

    Raises:
        UsageError: what was asked for does not exist, holds no image that can be read,
            or does not fit into memory.
        RunError: an image cannot be read, with "stop"; or a cache on the disk.
    """
    _check_choice("on_bad_image", on_bad_image, BAD_IMAGE_ACTIONS)
    _check_choice("cache", cache, CACHES)
    skip = on_bad_image == "skip"
    encoded = _open(dataset, split, data_dir, download, skip)
    encoded.max_pixels = max_pixels
    shape = _probe(encoded)
    if cache in ("auto", "memory"):
        source = _in_memory(encoded, shape, skip, memory_limit, cache == "memory")
        if source is not None:
            return source
    good = np.arange(encoded.size)
    if cache == "disk":
        encoded = open_cache(encoded, split, cache_dir)
        good = encoded.good
    elif skip:
        good = _scan(encoded)
    skipped = _leave_out(encoded, np.setdiff1d(np.arange(encoded.size), good), skip)
    with tf.device("CPU:0"):
        rows = tf.constant(good)
    return StreamSource(encoded.name, encoded, encoded.label_names, rows, skipped)


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


def _check_choice(name: str, value: str, allowed) -> None:
    if value not in allowed:
        raise UsageError(f"{name} is {', '.join(allowed)}. Received: {value!r}")


def _open(
    dataset: str, split: str, data_dir, download: bool, skip: bool
) -> Folder | Records:
    kind, _, path = dataset.partition(":")
    if kind == "folder":
        try:
            return Folder(path, split, skip)
        except OSError as error:
            raise UsageError(
                f"Cannot list {error.filename!r}: {error.strerror}"
            ) from None
    return Records(open_builder(dataset, data_dir, download), split)


def _probe(encoded) -> tuple[int, int, int] | None:
    """The shape that some images, spread over the set, have in common, or None."""
    rows = np.unique(np.linspace(0, encoded.size - 1, PROBES, dtype=np.int64))
    shapes = encoded.shapes(rows)
    if not shapes:
        raise UsageError(
            f"None of {len(rows)} images tried can be read; the first: "
            f"{encoded.example_name(rows[0])}: {encoded.why_unreadable(rows[0])}"
        )
    return shapes[0] if len(set(shapes)) == 1 else None


def _in_memory(encoded, shape, skip, limit, demanded) -> MemorySource | None:
    """The set in memory; None, or an error if it is demanded, where it cannot be."""
    source, needed = None, encoded.size * np.prod(shape or 0)
    if shape and needed <= limit:
        source = _decode_all(encoded, shape, skip)
    if demanded and source is None:
        why = "its images are of several sizes"
        if needed > limit:
            why = f"{needed} bytes, decoded; at most {limit} are held"
        raise UsageError(
            f"{encoded.name} cannot be held in memory: {why}; give --cache=disk or "
            f"--cache=none. Received: cache='memory'"
        )
    return source


def _decode_all(encoded, shape, skip: bool) -> MemorySource | None:
    """Decodes the whole set, or returns None when another size turns up."""
    images = np.empty((encoded.size, *shape), np.uint8)
    labels = np.empty(encoded.size, np.int32)
    good = np.zeros(encoded.size, bool)

    def decoded(row):
        image, label = encoded.example(row)
        return row, tf.ensure_shape(image, shape), label

    for rows, batch, batch_labels in encoded.each_readable(decoded).batch(1024):
        images[rows], labels[rows], good[rows] = batch, batch_labels, True
    bad = np.flatnonzero(~good)
    if any(encoded.why_unreadable(row) is None for row in bad):
        return None
    skipped = _leave_out(encoded, bad, skip)
    if skipped:
        images, labels = images[good], labels[good]
    with tf.device("CPU:0"):
        images = tf.constant(images)
    return MemorySource(encoded.name, images, labels, encoded.label_names, skipped)


def _scan(encoded) -> np.ndarray:
    """Rows of all images that decode."""
    logger.info("%s: checking %d images", encoded.name, encoded.size)

    def checked(row):
        # The shape must be asked for: unused decoding would be pruned.
        return row, tf.shape(encoded.example(row)[0])

    batches = encoded.each_readable(checked).batch(1024)
    return np.concatenate([rows for rows, _ in batches])


def _leave_out(encoded, bad: np.ndarray, skip: bool) -> tuple[str, ...]:
    """Names and reports what cannot be read: a warning or an error."""
    names = (*encoded.unlisted, *(encoded.example_name(row) for row in bad))
    if not names:
        return ()
    if not skip:
        reason = encoded.why_unreadable(bad[0]) or "unknown"
        raise unreadable(names[0], reason, f" ({len(bad)} of {encoded.size} images)")
    logger.warning(
        "%s: skipped %d of %d images that cannot be read: %s%s",
        encoded.name,
        len(names),
        encoded.size + len(encoded.unlisted),
        ", ".join(names[:10]),
        ", ..." if len(bad) > 10 else "",
    )
    return names
