"""Mean and standard deviation of a set's pixels, from a sample of its images."""

import hashlib
import json
import logging
import pathlib

import numpy as np
import tensorflow as tf

from ressl_tf.data.pipeline import AUTOTUNE
from ressl_tf.data.sources import Source, StreamSource
from ressl_tf.runtime.cache_folder import default_folder, keeping
from ressl_tf.runtime.errors import RunError

SAMPLE = 1024  # images, spread over the whole set
DIGITS = 4  # of the result, as published ones have them
LEAST_STD = 0.001  # of images that are all alike

log = logging.getLogger("ressl_tf")
Statistics = tuple[tuple[float, ...], tuple[float, ...]]


def measured(source: Source, cache_dir: str | None = None) -> Statistics:
    """Return mean and standard deviation per channel on 0..1.

    All images of the sample count alike, whatever their size. Of a set that is read
    from the disk the result is kept: in `cache_dir`, under a hash of the sample's names
    and the times of its files.

    Args:
        source: the training images; those that cannot be read are left out.
        cache_dir: folder of the results; None for `cache.default_folder()`.

    Raises:
        RunError: no image of the sample can be read.
    """
    rows = np.unique(np.linspace(0, source.size - 1, SAMPLE, dtype=np.int64))
    if not isinstance(source, StreamSource):
        return _compute(source, rows)
    folder = pathlib.Path(cache_dir) if cache_dir else default_folder()
    path = folder / f"statistics-{_key(source, rows)}.json"
    try:
        mean, std = json.loads(path.read_text())
        return tuple(mean), tuple(std)
    except (OSError, ValueError):
        found = _compute(source, rows)
    with keeping(path, "the mean of the images") as temporary:
        temporary.write_text(json.dumps(found))
    return found


def _compute(source: Source, rows: np.ndarray) -> Statistics:
    def moments(row):
        image = tf.cast(source.example(row)[0], tf.float64) / 255.0
        return tf.reduce_mean(image, [0, 1]), tf.reduce_mean(image**2, [0, 1])

    each = tf.data.Dataset.from_tensor_slices(rows).map(moments, AUTOTUNE)
    found = list(each.ignore_errors().as_numpy_iterator())
    if not found:
        raise RunError(
            f"--normalization=auto: none of {len(rows)} images of {source.name} can "
            f"be read; the first: {source.why_unreadable(int(rows[0]))}"
        )
    mean, square = np.mean(found, axis=0)
    std = np.sqrt(np.maximum(square - mean**2, LEAST_STD**2))
    log.info("mean %s, std %s of %d images", mean.round(4), std.round(4), len(found))
    return tuple(mean.round(DIGITS).tolist()), tuple(std.round(DIGITS).tolist())


def _key(source: StreamSource, rows: np.ndarray) -> str:
    """Hash all that the result depends on."""
    numbers = source.rows.numpy()[rows]
    parts = (source.size, SAMPLE, tf.version.VERSION, source.encoded.decoding)
    digest = hashlib.sha256(repr(parts).encode())
    for state in source.encoded.state_of(numbers):
        digest.update(repr(state).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
