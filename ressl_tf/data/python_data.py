"""Data as Python has them, as a `--dataset` names them.

Paths become names that any later command can open. Arrays and `tf.data` stay in this
process: `array:HASH`, which a later process refuses and says why.
"""

import dataclasses
import hashlib
import json
import logging
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.data.channels import to_grey
from ressl_tf.data.pixel_scale import is_dim, is_foreign
from ressl_tf.data.sources import NO_LABEL, MemorySource
from ressl_tf.runtime.addresses import is_address
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.storage import absolute

log = logging.getLogger("ressl_tf")
ARRAY, FILES = "array:", "files:"
MOST_BYTES = 2 * 2**30  # of images that are drawn from a tf.data.Dataset
_GIVEN: dict[str, MemorySource] = {}


def as_dataset(data: Any, folder: str | os.PathLike[str]) -> str:
    """Return the `--dataset` that stands for data.

    Args:
        data: a path or the name of a set; a list of paths of files and folders; images,
            [n, height, width, 3] on 0..255, or a pair of images and labels; a
            `tf.data.Dataset` of images or such pairs, batched or not.
        folder: where the list of paths is kept.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(data, str | os.PathLike):
        return _as_name(os.fspath(data))
    if (
        isinstance(data, list | tuple)
        and data
        and isinstance(data[0], str | os.PathLike)
    ):
        return _keep_list([os.fspath(path) for path in data], folder)
    if isinstance(data, tf.data.Dataset):
        return _keep(*_drawn(data))
    if isinstance(data, tuple) and len(data) == 2:
        return _keep(np.asarray(data[0]), np.asarray(data[1]))
    if hasattr(data, "__array__") or tf.is_tensor(data):
        return _keep(np.asarray(data), None)
    raise UsageError(
        "data is a path, a name, a list of paths, an array of images or a "
        f"tf.data.Dataset. Received: {type(data).__name__}"
    )


def given(
    name: str, split: str, labels: str, channels: int = 3, pixels: str = "uint8"
) -> MemorySource:
    """Return the images that `as_dataset` called by this name.

    Raises:
        UsageError: they were given to another process, `split` is not "train", or they
            have another number of channels.
    """
    if name not in _GIVEN:
        raise UsageError(
            "the images were an array in another Python process; give them again as "
            f"data=, or another --dataset. Received: --dataset={name}"
        )
    if split != "train":
        raise UsageError(f"{name} has only the split train. Received: {split!r}")
    source = _as_type(_GIVEN[name], pixels)
    if source.image_shape[2] != channels:
        images = _with_channels(source.images, channels)
        source = dataclasses.replace(source, images=images)
    if labels != "none":
        return source
    none = np.full(source.size, NO_LABEL, np.int32)
    return MemorySource(name, source.images, none, None, ())


def _as_type(source: MemorySource, pixels: str) -> MemorySource:
    """Return the images as `pixels` says; "auto" leaves them as they were given."""
    if pixels in ("auto", source.dtype):
        return source
    with tf.device("CPU:0"):
        images = tf.cast(tf.round(source.images), pixels)
    return dataclasses.replace(source, images=images)


def _with_channels(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Make grey images RGB, or RGB ones grey, as files are read."""
    given = images.shape[3]
    with tf.device("CPU:0"):
        if (given, channels) == (1, 3):
            return tf.repeat(images, 3, axis=3)
        if (given, channels) == (3, 1):
            return to_grey(images)
    raise UsageError(
        f"the images have {given} channels: give channels={given}. "
        f"Received: channels={channels}"
    )


def _as_name(text: str) -> str:
    """Put its prefix before a path; leave a name, or what has a prefix, alone."""
    path = os.path.expanduser(text)
    if text.endswith(".npz") and ":" not in text:
        return f"graph:{text}"
    looks = path.startswith((os.sep, ".")) or text.endswith(("/", os.sep))
    is_path = os.path.isdir(path) or os.path.isfile(path) or looks or is_address(text)
    return f"folder:{text}" if is_path else text


def _keep_list(paths: list[str], folder: str | os.PathLike[str]) -> str:
    """Write the list into a folder, under a name that tells it from another list."""
    if not folder:
        raise UsageError("a list of paths needs out=, a folder in which it is kept")
    text = json.dumps([absolute(os.path.expanduser(path)) for path in paths])
    name = f"files-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    place = pathlib.Path(folder).expanduser().absolute() / name
    try:
        with replacing(place) as temporary:
            temporary.write_text(text + "\n")
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror}") from None
    return f"{FILES}{place}"


def _drawn(dataset: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw all elements of a finite dataset: images, and labels where it has them."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UsageError("data is a tf.data.Dataset without an end; leave out repeat()")
    images, labels, total = [], [], 0
    for element in dataset.as_numpy_iterator():
        image, label = _image_and_label(element)
        batched = image.ndim == 4
        images += list(image) if batched else [image]
        if label is not None:
            labels += list(np.asarray(label)) if batched else [label]
        total += image.nbytes
        if total > MOST_BYTES or len({image.shape for image in images[-2:]}) > 1:
            why = (
                f"more than {MOST_BYTES} bytes"
                if total > MOST_BYTES
                else "of two sizes"
            )
            raise UsageError(
                f"a tf.data.Dataset is kept in memory, and its images are {why}; write "
                "them as files and give the folder"
            )
    if not images:
        raise UsageError("data is a tf.data.Dataset without an element")
    return np.stack(images), np.asarray(labels) if labels else None


def _image_and_label(element: Any) -> tuple[np.ndarray, Any]:
    if isinstance(element, Mapping):
        element = element.get("image"), element.get("label")
    image, label = element[:2] if isinstance(element, tuple) else (element, None)
    if not isinstance(image, np.ndarray):
        raise UsageError(
            "a tf.data.Dataset has images as elements, pairs of images and labels, or "
            f"dicts with image and label. Received: {type(image).__name__}"
        )
    return image, label


def _keep(images: np.ndarray, labels: np.ndarray | None) -> str:
    """Keep images for this process, under the hash of what they are."""
    images = _as_raw(images)
    names, numbers = None, np.full(len(images), NO_LABEL, np.int32)
    if labels is not None:
        numbers = _checked_labels(labels, len(images))
        names = tuple(map(str, range(int(numbers.max()) + 1)))
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(numbers).data)
    name = ARRAY + digest.hexdigest()[:12]
    _GIVEN[name] = MemorySource.of(name, images, numbers, names, ())
    return name


def _as_raw(images: np.ndarray) -> np.ndarray:
    """Return raw images: uint8, or float32 where they have fractions."""
    if images.ndim != 4 or images.shape[-1] > MOST_CHANNELS or not images.size:
        raise UsageError(
            "an array of images is [n, height, width, channels]. "
            f"Received: {images.dtype} {list(images.shape)}"
        )
    if images.dtype != np.uint8:
        low, high = float(images.min()), float(images.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise UsageError(
                "images hold values that are not finite: replace them, as with "
                f"np.nan_to_num. Received: {images.dtype}, {low:.4g} to {high:.4g}"
            )
        if not (low >= 0 and high <= 255) or is_foreign(low, high):
            raise UsageError(
                "images are raw ones on 0..255, uint8 or float32; leave out a "
                f"division by 255. Received: {images.dtype}, {low:.4g} to {high:.4g}"
            )
        if is_dim(high):
            log.warning(
                "the images have values up to %.4g: raw ones reach 255; if yours are "
                "on another scale, such as 0..100, bring them to 0..255",
                high,
            )
        whole = np.rint(images)
        dtype = np.uint8 if np.array_equal(whole, images) else np.float32
        images = images.astype(dtype)
    return images


def _checked_labels(labels: np.ndarray, count: int) -> np.ndarray:
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    whole = np.issubdtype(labels.dtype, np.integer)
    if not whole or labels.shape != (count,) or labels.min() < NO_LABEL:
        raise UsageError(
            f"labels are {count} whole numbers from 0, -1 for none. "
            f"Received: {labels.dtype} {list(labels.shape)}"
        )
    return labels.astype(np.int32)
