"""Images in TFRecord files that others wrote, as encoded bytes in Examples."""

import logging
from concurrent import futures

import numpy as np
import tensorflow as tf

from ressl_tf.data.decode import complaint
from ressl_tf.data.records import read_record
from ressl_tf.data.shard_files import of_split, shard_files
from ressl_tf.data.sharded import Sharded
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.data.tfds import record_offsets
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
ENDS = (".tfrecord", ".tfrecords", ".tfrec")
IMAGES = ("image/encoded", "image", "encoded", "image_raw", "image_bytes", "jpg", "png")
MOST_CLASSES = 1_000_000
LABELS = ("image/class/label", "label", "class", "cls", "image/label")


class RecordShards(Sharded):
    """Encoded images of TFRecord files, by number, in the order of the shards.

    Opening reads the length of each record, for its byte offset, and where there are
    labels every record once. A label is a whole number, and its class that number.

    Args:
        path: of `shard_files.shard_files`.
        split: by how the shards' names begin.
        skip_unlisted: without meaning here.
        labels: "none" leaves labels unread.

    Raises:
        UsageError: no such shards or split, or no feature that is an image.
    """

    def __init__(
        self, path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        self.name = f"tfrecord:{path}"
        self.files = of_split(shard_files(path, ENDS, self.name), split, self.name)
        with futures.ThreadPoolExecutor(16) as pool:
            offsets = list(pool.map(self._offsets, self.files))
        self.file_of = np.repeat(np.arange(len(offsets)), [len(o) for o in offsets])
        self._rows = np.concatenate([np.arange(len(o)) for o in offsets])
        if not len(self._rows):
            raise UsageError(f"No record in {self.files[0]}")
        with tf.device("CPU:0"):
            self._tensors = (
                tf.constant(self.files),
                tf.constant(self.file_of),
                tf.constant(np.concatenate(offsets)),
            )
        self._image_key, self._label_key = self._keys(labels != "none")
        self.label_names: tuple[str, ...] | None = None
        self.labels = np.full(self.size, NO_LABEL, np.int32)
        if self._label_key:
            log.info("%s: reading the labels of %d records", self.name, self.size)
            self.labels = self._read_labels()
            self.label_names = tuple(map(str, range(int(self.labels.max()) + 1)))

    def _offsets(self, path: str) -> np.ndarray:
        try:
            return record_offsets(path)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path} cannot be read as TFRecords: {error}; packed ones are not read"
            ) from None

    def _keys(self, labelled: bool) -> tuple[str, str]:
        """Find the features of image and label in the first record."""
        try:
            example = tf.train.Example.FromString(self._record(tf.constant(0)).numpy())
        except Exception as error:  # of TensorFlow, or of the protobuf library
            reason = (str(error).splitlines() or [""])[0]
            raise UsageError(f"{self.files[0]} holds no Examples: {reason}") from None
        features = example.features.feature
        images = [k for k in IMAGES if k in features and features[k].bytes_list.value]
        if not images:
            raise UsageError(
                f"{self.files[0]} has no feature {', '.join(IMAGES)} of bytes, only: "
                f"{', '.join(sorted(features))}"
            )
        labels = [k for k in LABELS if k in features and features[k].int64_list.value]
        return images[0], labels[0] if labels and labelled else ""

    def _read_labels(self) -> np.ndarray:
        spec = {self._label_key: tf.io.FixedLenFeature([], tf.int64, NO_LABEL)}

        def label(row):
            return tf.io.parse_single_example(self._record(row), spec)[self._label_key]

        found = tf.data.Dataset.range(self.size).map(label, tf.data.AUTOTUNE)
        try:
            labels = np.concatenate([batch.numpy() for batch in found.batch(1024)])
        except tf.errors.OpError as error:
            raise UsageError(
                f"the labels of {self.name} cannot be read: {complaint(error)}"
            ) from None
        if (largest := int(labels.max())) >= MOST_CLASSES:
            raise UsageError(
                f"a label of {self.name} is the number of its class, below "
                f"{MOST_CLASSES}. Received: {largest}"
            )
        return np.maximum(labels, NO_LABEL).astype(np.int32)

    def _record(self, row: tf.Tensor) -> tf.Tensor:
        files, file_of, offsets = self._tensors
        file = tf.gather(files, tf.gather(file_of, row))
        return read_record(file, tf.gather(offsets, row))

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""
        spec = {self._image_key: tf.io.FixedLenFeature([], tf.string)}
        image = tf.io.parse_single_example(self._record(row), spec)[self._image_key]
        return image, tf.gather(self.labels, row)

    def example_name(self, row: int) -> str:
        """Name an image by its shard and its record there."""
        return f"{self.files[self.file_of[row]]}, record {self._rows[row]}"
