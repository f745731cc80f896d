"""Decoded images on disk: each is decoded once, then read by its place.

A cache is a folder: files of raw pixels, an image a TFRecord, and `index.npz`, which is
held in memory: where each image is, its sides and its label. The name of the folder has
a hash of all that the images depend on; a set that has changed gets another cache.
"""

import hashlib
import logging
import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from ressl_tf.data.cache_writer import ABSENT, HASH_LENGTH, INDEX, make_cache, shard
from ressl_tf.data.decode import EncodedImages
from ressl_tf.data.records import read_record
from ressl_tf.runtime.errors import RunError

FORMAT = 1  # of the files

log = logging.getLogger("ressl_tf")


class Cached(EncodedImages):
    """The images of a set, by the same numbers, from its cache.

    Attributes:
        good: int64 [m], numbers of the images that it holds; the others of the set
            cannot be read.

    Raises:
        RunError: the cache is damaged, or lacks images that can be read now.
    """

    def __init__(self, original: EncodedImages, folder: pathlib.Path):
        self.original, self.folder = original, folder
        self.name, self.label_names = original.name, original.label_names
        self.max_pixels, self.unlisted = original.max_pixels, original.unlisted
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
        return self.original.size

    def example(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """int64 [] -> (uint8 [height, width, 3], int32 []); reads, without decoding."""
        entry = tf.unstack(tf.gather(self._index, row))
        number, offset, height, width, label = entry
        record = read_record(tf.gather(self._shards, number), offset)
        image = tf.reshape(tf.io.decode_raw(record, tf.uint8), [height, width, 3])
        return image, tf.cast(label, tf.int32)

    def all_labels(self) -> np.ndarray:
        """int32 [n]; -1 for images that cannot be read."""
        return self._labels

    def example_name(self, row: int) -> str:
        return self.original.example_name(row)

    def why_unreadable(self, row: int) -> str | None:
        """What is wrong with an image of the set, in one line; None for nothing.

        Raises:
            RunError: it is the cache.
        """
        if not self._present[row]:
            return self.original.why_unreadable(row)
        if reason := super().why_unreadable(row):
            raise self._unusable(f"is damaged ({reason})")
        return None

    def _read_index(self) -> np.ndarray:
        """int64 [n, 5]: shard, offset, height, width, label of each image."""
        try:
            with np.load(self.folder / INDEX) as arrays:
                index, sizes = arrays["index"], arrays["sizes"]
            for number, size in enumerate(sizes):
                path = shard(self.folder, number)
                if path.stat().st_size != size:
                    raise ValueError(f"{path.name} has not {size} bytes")
        except Exception as error:  # zip, NumPy and the disk have many
            reason = str(error).splitlines() or [type(error).__name__]
            raise self._unusable(f"is damaged ({reason[0]})") from None
        return index

    def _check_absent(self):
        """An error of the disk may have passed, which the hash does not show."""
        for row in np.flatnonzero(~self._present):
            if self.original.why_unreadable(row) is None:
                name = self.original.example_name(row)
                raise self._unusable(f"lacks {name}, which can be read now")

    def _unusable(self, why: str) -> RunError:
        return RunError(
            f"The cache {self.folder} {why}; delete this folder, and the next run "
            "makes it anew"
        )


def open_cache(images: EncodedImages, split: str, folder: str | None = None) -> Cached:
    """The cache of a set, which is made if it is not there.

    Processes that ask for the same one at once wait for the first to make it. What one
    left that was killed is removed by the next that makes a cache.

    Args:
        images: the set; `state()` tells what they depend on.
        split: for the name of the cache.
        folder: of all caches; None for `default_folder()`.

    Raises:
        UsageError: the folder cannot be used.
        RunError: too little space, or a damaged cache.
    """
    parent = pathlib.Path(folder) if folder else default_folder()
    path = parent / _name(images, split)
    if not path.is_dir():
        make_cache(images, path)
    log.info("%s: decoded images are in %s", images.name, path)
    return Cached(images, path)


def default_folder() -> pathlib.Path:
    """`ressl_tf` in $XDG_CACHE_HOME, or in ~/.cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(caches, "ressl_tf").expanduser()


def _name(images, split) -> str:
    """For people and, by the hash, for one state of the set alone."""
    state = hashlib.sha256()
    decoding = FORMAT, tf.version.VERSION, images.max_pixels, images.label_names
    for part in (decoding, *images.state()):
        state.update(repr(part).encode())
    words = f"{os.path.basename(images.name.rstrip('/'))}-{split}"
    words = re.sub("[^A-Za-z0-9._-]+", "_", words)[-80:]
    return f"{words}-{state.hexdigest()[:HASH_LENGTH]}"
