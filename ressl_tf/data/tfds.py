"""TensorFlow Datasets with random access to the encoded images in their shards."""

import contextlib
import difflib
import io
import os
import re
import sys
from collections.abc import Iterator
from concurrent import futures
from typing import IO, Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ressl_tf.data import tfds_labels
from ressl_tf.data.multi_label import MultiLabels
from ressl_tf.data.records import FOOTER, HEADER, file_state, read_record
from ressl_tf.data.shapes import ResslShapes
from ressl_tf.data.sources import NO_LABEL, EncodedImages
from ressl_tf.runtime import paths, storage
from ressl_tf.runtime.errors import RunError, UsageError

# Of a set of the TFDS community, which is code that would be fetched and run; a version
# behind a colon is of digits.
NAMESPACE = re.compile(r"[^/:]+:\D")


class Records(EncodedImages):
    """Encoded images of a prepared TFDS split, by number, in the order of its shards.

    Opening reads the headers of all records, for their byte offsets (2 microseconds
    each from the page cache, 16 from a cold disk; 8 bytes of memory). Any example can
    then be read alone: an epoch is a true shuffle, nothing is buffered, and a run can
    start anywhere. Shards must lie on a file system, best on a solid-state disk.

    Args:
        builder: of the prepared data set.
        split: in TFDS syntax: "train", "train[:10%]".
        labels: whether to read them; otherwise no image has one.

    Raises:
        UsageError: the split does not exist, or there is no feature `image`.
    """

    def __init__(
        self, builder: tfds.core.DatasetBuilder, split: str, labels: bool = True
    ):
        info = builder.info
        self.name = info.full_name.rsplit("/", 1)[0]  # without the version
        _check_features(self.name, info)
        ranges = _file_instructions(self.name, info, split)
        self.files = [each.filename for each in ranges]
        self._ranges = [(info.full_name, each.skip, each.take) for each in ranges]
        with futures.ThreadPoolExecutor(16) as pool:
            offsets = list(pool.map(_offsets, ranges))
        self._file_of = np.repeat(np.arange(len(ranges)), [len(o) for o in offsets])
        self._rows = np.concatenate(
            [np.arange(each.skip, each.skip + each.take) for each in ranges]
        )
        self._label_key = _label_key(info) if labels else None
        self._several = tfds_labels.features_of(info) if labels else {}
        self.label_names = None
        self._labels: np.ndarray | None = None
        if self._label_key:
            self.label_names = tuple(info.features[self._label_key].names)
        with tf.device("CPU:0"):
            self._tensors = (
                tf.constant(self.files),
                tf.constant(self._file_of),
                tf.constant(np.concatenate(offsets)),
            )

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self._file_of)

    def read(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read int64 [] -> (encoded image, string []; label, int32 [])."""
        return self._parse(self._record(row))

    def _record(self, row: tf.Tensor) -> tf.Tensor:
        files, file_of, offsets = self._tensors
        file = tf.gather(files, tf.gather(file_of, row))
        return read_record(file, tf.gather(offsets, row))

    def all_labels(self) -> np.ndarray:
        """Return the label of every image, int32 [n].

        The first call reads every record once, without decoding.
        """
        if self._labels is None:
            self._labels = self._read_labels()
        return self._labels

    def multi_labels(self) -> MultiLabels | None:
        """Read the feature `labels` of every image; without it the class of each."""
        if self._label_key or not self._several:
            return super().multi_labels()
        records = tf.data.Dataset.range(self.size).map(self._record, tf.data.AUTOTUNE)
        return tfds_labels.read(records, self._several)

    def _read_labels(self) -> np.ndarray:
        rows = tf.data.Dataset.range(self.size)
        labels = rows.map(lambda row: self.read(row)[1], tf.data.AUTOTUNE)
        return np.concatenate([batch.numpy() for batch in labels.batch(1024)])

    def example_name(self, row: int) -> str:
        """Name an image by its shard and its record there."""
        return f"{self.files[self._file_of[row]]}, record {self._rows[row]}"

    def state(self) -> Iterator[tuple]:
        """Yield version, range and state of each shard, on which the images depend."""
        for file, described in zip(self.files, self._ranges, strict=True):
            yield *described, *file_state(file)

    def _parse(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
        if self._label_key is None:
            image = tf.io.parse_single_example(record, spec)["image"]
            return image, tf.constant(NO_LABEL)
        spec[self._label_key] = tf.io.FixedLenFeature([], tf.int64)
        example = tf.io.parse_single_example(record, spec)
        return example["image"], tf.cast(example[self._label_key], tf.int32)


def open_builder(
    name: str, data_dir: str | None = None, download: bool = False
) -> tfds.core.DatasetBuilder:
    """Find a prepared TFDS data set; "shapes" is generated on first use.

    Args:
        name: in TFDS syntax, `name`, `name/config` or `name:version`; or "shapes".
        data_dir: where TFDS keeps its data; None is ~/tensorflow_datasets.
        download: whether to download and prepare what is missing. Never implied.

    Raises:
        UsageError: unknown name, or not prepared and `download` is False.
        RunError: preparation failed.
    """
    if not data_dir:
        paths.local(os.environ.get("TFDS_DATA_DIR", ""), "TFDS_DATA_DIR")
    if name == "shapes":
        return _prepare(ResslShapes(data_dir=data_dir), "shapes")
    if NAMESPACE.match(name):
        raise UsageError(_unknown(name))
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        raise UsageError(_unknown(name)) from None
    except (
        ValueError,
        AssertionError,
        ImportError,
        OSError,
        tf.errors.OpError,
    ) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        raise UsageError(f"TFDS cannot open {name!r}: {reason}") from None
    if download:
        return _prepare(builder, name)
    if not builder.is_prepared():
        raise UsageError(
            f"{name!r} is not prepared in {builder.data_dir}; let TFDS fetch it with "
            f"--download, point --data_dir to a prepared copy, or use "
            f"--dataset=folder:/path"
        )
    return builder


def _prepare(builder: tfds.core.DatasetBuilder, name: str) -> tfds.core.DatasetBuilder:
    """Download and prepare a set, unless it is prepared; print to stderr only."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # TFDS lets through whatever its builders raise
        reason = (str(error).splitlines() or [""])[0]
        message = f"Cannot prepare {name!r}: {type(error).__name__}: {reason}"
        raise RunError(message) from error
    return builder


def _unknown(name: str) -> str:
    plain = re.split("[/:]", name)[0]
    known = ["shapes", *tfds.list_builders(with_community_datasets=False)]
    near = difflib.get_close_matches(plain, known, n=3) or ["cifar10", "imagenet2012"]
    return (
        f"Unknown data set; give 'shapes', 'folder:/path' or a TFDS name such as "
        f"{', '.join(near)}. Received: {name!r}"
    )


def _check_features(name: str, info: tfds.core.DatasetInfo) -> None:
    image = dict(info.features).get("image")
    if not isinstance(image, tfds.features.Image) or image.np_dtype == np.float32:
        kinds = ", ".join(info.features)
        raise UsageError(f"{name!r} has no feature 'image' of integers, only: {kinds}")
    if info.file_format != tfds.core.FileFormat.TFRECORD:
        raise UsageError(
            f"{name!r} is stored as {info.file_format.value}; prepare it as tfrecord"
        )
    if "://" in str(info.data_dir):
        raise UsageError(
            f"{name!r} must lie on a file system: copy or mount {info.data_dir}"
        )


def _label_key(info: tfds.core.DatasetInfo) -> str | None:
    """Return the feature `label`, or the supervised target, if it is a class."""
    keys = ["label", *(k for k in (info.supervised_keys or ()) if isinstance(k, str))]
    for key in keys:
        if isinstance(dict(info.features).get(key), tfds.features.ClassLabel):
            return key
    return None


def _file_instructions(name: str, info: tfds.core.DatasetInfo, split: str) -> list:
    with contextlib.suppress(KeyError, ValueError, AssertionError):
        if instructions := info.splits[split].file_instructions:
            return instructions
    raise UsageError(
        f"{name!r} has the splits {', '.join(info.splits)}, also in parts like "
        f"'train[:10%]' that are not empty. Received: {split!r}"
    )


def _offsets(instruction: Any) -> np.ndarray:
    """Find the byte offsets of a range of records in their shard: int64 [take]."""
    ends = np.zeros(instruction.skip + instruction.take + 1, np.int64)
    with open(instruction.filename, "rb", buffering=0) as shard:
        for row in range(instruction.skip + instruction.take):
            length = int.from_bytes(_read_at(shard, ends[row]), "little")
            ends[row + 1] = ends[row] + HEADER + length + FOOTER
    return ends[instruction.skip : -1]


def record_offsets(path: str) -> np.ndarray:
    """Find the byte offsets of all records of a TFRecord file: int64 [n].

    Raises:
        ValueError: the lengths do not end with the file.
    """
    size, ends = storage.state(path)[0], [0]
    with storage.open_binary(path, buffering=0) as shard:
        while ends[-1] < size:
            length = int.from_bytes(_read_at(shard, ends[-1]), "little")
            ends.append(ends[-1] + HEADER + length + FOOTER)
    if ends[-1] != size:
        raise ValueError("its records do not end with it")
    return np.array(ends[:-1], np.int64)


def _read_at(file: IO[bytes], offset: int) -> bytes:
    """Read 8 bytes, by one call of the system where it has that."""
    if isinstance(file, io.FileIO) and hasattr(os, "pread"):  # not on Windows
        return os.pread(file.fileno(), 8, offset)
    file.seek(offset)
    return file.read(8)
