"""Decoded images on disk: each is decoded once, then read by its offset.

A cache is a folder. It holds files of raw pixels, one image a TFRecord, and
`index.npz`, which is kept in memory: where each image is, its sides and its label. The
name of the folder has a hash of all that the images depend on, so a set that has
changed gets another cache.
"""

import hashlib
import logging
import os
import pathlib
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ressl_tf.data.augment.oriented import STORED_UPRIGHT
from ressl_tf.data.cache_writer import ABSENT, HASH_LENGTH, INDEX, make_cache, shard
from ressl_tf.data.records import read_record
from ressl_tf.data.sources import EncodedImages
from ressl_tf.runtime import archives
from ressl_tf.runtime.cache_folder import default_folder
from ressl_tf.runtime.errors import RunError
from ressl_tf.runtime.paths import check_text

FORMAT = 3  # of the files and what is in them; 2: only JPEGs were turned upright

log = logging.getLogger("ressl_tf")


class Cached(EncodedImages):
    """The images of a set, by the same numbers, from its cache.

    Args:
        original: the set.
        folder: of this cache.

    Attributes:
        good: int64 [m], numbers of the images that it holds; the others of the set
            cannot be read.

    Raises:
        RunError: the cache is damaged, or lacks images that can be read now.
    """

    def __init__(self, original: EncodedImages, folder: pathlib.Path):
        self.original, self.folder = original, folder
        self.name, self.label_names = original.name, original.label_names
        self.decoding, self.unlisted = original.decoding, original.unlisted
        index = self._read_index()
        self._present = index[:, 0] != ABSENT
        self.good = np.flatnonzero(self._present)
        self._labels = index[:, 4].astype(np.int32)
        self._check_absent()
        shards = range(1 + index[:, 0].max(initial=ABSENT))
        with tf.device("CPU:0"):
            self._shards = tf.constant([str(shard(folder, n)) for n in shards])
            self._index = tf.constant(index)

    @property
    def size(self) -> int:
        """Number of images of the set."""
        return self.original.size

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded original, string []; label, int32 [])."""
        return self.original.read(row)

    def state(self) -> Iterator[tuple]:
        """Yield all that the images depend on: the state of the original."""
        return self.original.state()

    def state_of(self, rows: np.ndarray) -> Iterator[tuple]:
        """Yield all that these images depend on: the state of the original's."""
        return self.original.state_of(rows)

    def example(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> ([height, width, channels], int32 [])."""
        entry = tf.unstack(tf.gather(self._index, row))
        number, offset, height, width, label = entry
        record = read_record(tf.gather(self._shards, number), offset)
        image = tf.reshape(
            tf.io.decode_raw(record, self.decoding.dtype),
            [height, width, self.decoding.channels],
        )
        return image, tf.cast(label, tf.int32)

    def example_as_stored(
        self, row: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Read as `example` does; a cache holds images as they are seen."""
        image, label = self.example(row)
        return image, tf.constant(STORED_UPRIGHT), label

    def all_labels(self) -> np.ndarray:
        """Return the label of every image, int32 [n]; -1 for unreadable images."""
        return self._labels

    def example_name(self, row: int) -> str:
        """Name an image as the original does."""
        return self.original.example_name(row)

    def why_unreadable(self, row: int) -> str | None:
        """Say in one line what is wrong with an image; None for nothing.

        Raises:
            RunError: the image is fine and the cache is damaged.
        """
        if not self._present[row]:
            return self.original.why_unreadable(row)
        if reason := super().why_unreadable(row):
            raise self._unusable(f"is damaged ({reason})")
        return None

    def _read_index(self) -> np.ndarray:
        """Load shard, offset, height, width and label of each image: int64 [n, 5]."""
        try:
            arrays = archives.read_arrays(self.folder / INDEX)
            index, sizes = arrays["index"], arrays["sizes"]
            for number, size in enumerate(sizes):
                path = shard(self.folder, number)
                if path.stat().st_size != size:
                    raise ValueError(f"{path.name} has not {size} bytes")
        except Exception as error:  # zip, NumPy and the disk have many
            reason = str(error).splitlines() or [type(error).__name__]
            raise self._unusable(f"is damaged ({reason[0]})") from None
        return index

    def _check_absent(self) -> None:
        """Refuse a cache without images that are readable now.

        The error may have been the disk's; then the hash does not change.
        """
        for row in np.flatnonzero(~self._present).tolist():
            if self.original.why_unreadable(row) is None:
                name = self.original.example_name(row)
                raise self._unusable(f"lacks {name}, which can be read now")

    def _unusable(self, why: str) -> RunError:
        return RunError(
            f"The cache {self.folder} {why}; delete this folder, and the next run "
            "makes it anew"
        )


def open_cache(images: EncodedImages, split: str, folder: str | None = None) -> Cached:
    """Open the cache of a set; make it if it does not exist.

    Of processes that open the same cache at once, one makes it and the others wait.
    Files that a killed process left are removed by the next that makes a cache.

    Args:
        images: the set.
        split: part of the name of the cache.
        folder: of all caches; None for `default_folder()`.

    Raises:
        UsageError: the folder cannot be used.
        RunError: too little space, or a damaged cache.
    """
    parent = pathlib.Path(folder) if folder else default_folder()
    check_text(parent, "--cache_dir")
    path = parent / _name(images, split)
    if not path.is_dir():
        make_cache(images, path)
    log.info("%s: decoded images are in %s", images.name, path)
    return Cached(images, path)


def _name(images: EncodedImages, split: str) -> str:
    """Name a cache for people and, by the hash, for one state of the set alone."""
    state = hashlib.sha256()
    decoding = FORMAT, tf.version.VERSION, images.decoding, images.label_names
    for entry in (decoding, *images.state()):
        state.update(repr(entry).encode())
    words = f"{os.path.basename(images.name.rstrip('/'))}-{split}"
    words = re.sub("[^A-Za-z0-9._-]+", "_", words)[-80:]
    return f"{words}-{state.hexdigest()[:HASH_LENGTH]}"
