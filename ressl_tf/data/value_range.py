"""From 16 bits and floats to 0..255, in TensorFlow and, alike, in NumPy."""

import numpy as np
import tensorflow as tf

from ressl_tf.config.decoding import bounds

PERCENTILES = (0.5, 99.5)  # of each image, all channels together
STEP = 257  # from 8 bits to 16


def scale_deep(deep: tf.Tensor, value_range: str, dtype: str = "uint8") -> tf.Tensor:
    """Scale the 16 bits of a PNG, uint16 [h, w, c], to 0..255, [h, w, c].

    Args:
        deep: values.
        value_range: of `config.decoding.Decoding`.
        dtype: "uint8", rounded, or "float32".
    """
    if value_range in ("auto", "dtype"):
        if dtype == "float32":
            return tf.cast(deep, tf.float32) / STEP
        return tf.cast((tf.cast(deep, tf.int32) + STEP // 2) // STEP, tf.uint8)
    found = bounds(value_range)
    if found is None:
        low, high = tf.unstack(_percentiles(deep))
    else:
        low, high = (tf.constant(bound, tf.float32) for bound in found)
    part = (tf.cast(deep, tf.float32) - low) / tf.maximum(high - low, 1e-30)
    scaled = 255 * tf.clip_by_value(part, 0.0, 1.0)
    return scaled if dtype == "float32" else tf.cast(tf.round(scaled), tf.uint8)


def _percentiles(deep: tf.Tensor) -> tf.Tensor:
    """Return the percentiles of all values, float32 [2], as `percentiles` does."""
    counts = tf.math.bincount(tf.reshape(tf.cast(deep, tf.int32), [-1]))
    total = tf.size(deep, tf.int64)
    ranks = tf.constant([round(10 * p) for p in PERCENTILES], tf.int64) * total
    wanted = (ranks + 999) // 1000  # the smallest value that so many do not exceed
    below = tf.cumsum(tf.cast(counts, tf.int64))
    return tf.cast(tf.searchsorted(below, wanted), tf.float32)


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """Return two values of an array, by `numpy.percentile`'s inverted_cdf.

    Args:
        values: whole numbers or floats; NaN does not count.
    """
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return 0.0, 0.0
    low, high = np.percentile(known, PERCENTILES, method="inverted_cdf")
    return float(low), float(high)


def to_pixels(
    values: np.ndarray, own: tuple[float, float], value_range: str, dtype: str = "uint8"
) -> np.ndarray:
    """Scale an array of any type to 0..255; NaN becomes 0.

    Args:
        values: of an image.
        own: the range that the file or its type says.
        value_range: of `config.decoding.Decoding`.
        dtype: "uint8", rounded, or "float32".
    """
    if values.dtype == np.uint8 and own == (0, 255):
        return values.astype(dtype, copy=False)
    rounded = dtype == "uint8"
    if value_range in ("auto", "dtype"):
        if values.dtype == np.uint16 and own == (0, 65535):
            if not rounded:
                return values.astype(np.float32) / np.float32(STEP)
            return ((values.astype(np.int32) + STEP // 2) // STEP).astype(np.uint8)
        low, high = own
    else:
        low, high = bounds(value_range) or percentiles(values)
    part = (values.astype(np.float32) - low) / max(high - low, 1e-30)
    part = np.clip(np.nan_to_num(part, nan=0.0), 0.0, 1.0)
    return np.rint(255 * part).astype(np.uint8) if rounded else 255 * part
