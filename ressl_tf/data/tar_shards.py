"""Images in tar files, as webdataset has them: 0001.jpg and 0001.cls side by side."""

import collections
import hashlib
import json
import logging
from concurrent import futures

import numpy as np
import tensorflow as tf

from ressl_tf.data.byte_ranges import read_range
from ressl_tf.data.image_list import sorted_classes
from ressl_tf.data.records import file_state
from ressl_tf.data.shard_files import of_split, shard_files
from ressl_tf.data.sharded import Sharded
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.data.tar_index import TarIndex, index_tar
from ressl_tf.runtime.cache_folder import default_folder, keeping
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
FORMAT = 1


class TarShards(Sharded):
    """Encoded images of tar files, by number, in the order of the shards.

    Opening reads the headers of all shards once; then any image is read alone, by its
    place, and an epoch is a true shuffle. Classes are the labels of all splits, numbers
    by value.

    Args:
        path: of `shard_files.shard_files`.
        split: by how the shards' names begin.
        skip_unlisted: without meaning here.
        labels: "none" leaves labels out.

    Raises:
        UsageError: no such shards or split, one that is no tar file, or no image.
    """

    def __init__(
        self, path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        self.name = f"webdataset:{path}"
        everything = shard_files(path, (".tar",), self.name)
        self.files = of_split(everything, split, self.name)
        with futures.ThreadPoolExecutor(8) as pool:
            indices = dict(zip(everything, pool.map(_index, everything), strict=True))
        own = [indices[file] for file in self.files]
        counts = [len(index.keys) for index in own]
        if not sum(counts):
            raise UsageError(f"No image in the shards of {self.name}: {own[0].others}")
        self._keys = [key for index in own for key in index.keys]
        self.file_of = np.repeat(np.arange(len(own)), counts)
        texts = [] if labels == "none" else [t for i in own for t in i.labels]
        seen = [t for i in indices.values() for t in i.labels] if texts else []
        self.label_names = sorted_classes(seen)
        place = {name: number for number, name in enumerate(self.label_names or ())}
        self.labels = np.full(sum(counts), NO_LABEL, np.int32)
        if place:
            self.labels[:] = [place.get(text, NO_LABEL) for text in texts]
        self._hold(own)
        self._tell(own)

    def _hold(self, own: list[TarIndex]) -> None:
        sizes = [file_state(file)[1] for file in self.files]
        with tf.device("CPU:0"):
            self._tensors = (
                tf.constant(self.files),
                tf.constant(sizes, tf.int64),
                tf.constant(self.file_of),
                tf.constant(np.concatenate([i.offsets for i in own]), tf.int64),
                tf.constant(np.concatenate([i.lengths for i in own]), tf.int64),
                tf.constant(self.labels),
            )

    def _tell(self, own: list[TarIndex]) -> None:
        counts = len(self._keys), len(own), len(self.label_names or ())
        log.info("%s: %d images in %d shards, %d classes", self.name, *counts)
        left: collections.Counter[str] = collections.Counter()
        for index in own:
            left.update(index.others)
        if left:
            kinds = ", ".join(
                f"{n} x {kind or 'no extension'}" for kind, n in left.items()
            )
            log.warning("%s: other members are left out: %s", self.name, kinds)

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""
        files, sizes, file_of, offsets, lengths, labels = self._tensors
        number = tf.gather(file_of, row)
        file, size = tf.gather(files, number), tf.gather(sizes, number)
        place = tf.gather(offsets, row), tf.gather(lengths, row)
        return read_range(file, *place, size), tf.gather(labels, row)

    def example_name(self, row: int) -> str:
        """Name an image by its shard and its key there."""
        return f"{self.files[self.file_of[row]]}/{self._keys[row]}"


def _index(path: str) -> TarIndex:
    """Return the index of a shard, from the cache where it holds."""
    state = hashlib.sha256(repr((FORMAT, *file_state(path))).encode()).hexdigest()
    kept = default_folder() / "shards" / f"{state[:16]}.json"
    try:
        return TarIndex(**json.loads(kept.read_text()))
    except (OSError, ValueError, TypeError):
        pass
    try:
        index = index_tar(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a tar file: {error}") from None
    with keeping(kept, f"the index of {path}") as temporary:
        temporary.write_text(json.dumps(vars(index)))
    return index
