"""The range of 16-bit PNGs: cameras and X-rays use 10, 12 or 14 bits of it."""

import contextlib

import numpy as np
import tensorflow as tf

from ressl_tf.data.decode import decode_deep
from ressl_tf.data.headers import DEPTH, HEADER, PNG
from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.sources import EncodedImages
from ressl_tf.runtime.errors import UsageError

BITS = 16
HEADERS, PROBES = 1000, 32  # PNGs whose header is read; deep ones that are decoded
OF_ANY_NAME = 32  # images of other names that are read


def check_deep_range(encoded: EncodedImages) -> None:
    """Refuse 16-bit PNGs that use a part of their range: they would be nearly black.

    Raises:
        UsageError: no value of the images probed, from all over the set, is in the
            upper half of the range.
    """
    largest = [_largest(encoded, row) for row in _deep_rows(encoded)]
    top = max(largest, default=0)
    if 0 < top < 2 ** (BITS - 1):
        used = int(top).bit_length()
        raise UsageError(
            f"{encoded.name} has 16-bit PNGs with values up to {top} of 65535, so that "
            f"they would be nearly black: {used} bits in 16? Multiply the values by "
            f"{2 ** (BITS - used)} when you save them, or save 8 bits"
        )


def _deep_rows(encoded: EncodedImages) -> list[int]:
    """Find 16-bit PNGs by the headers of images from all over the set."""
    rows, most = np.arange(encoded.size), OF_ANY_NAME
    if isinstance(encoded, ImageFiles):
        png = np.array([path.lower().endswith(".png") for path in encoded.paths])
        if png.any():
            rows, most = np.flatnonzero(png), HEADERS
    some = np.unique(rows[np.linspace(0, len(rows) - 1, most, dtype=int)])
    deep = [row for row in some.tolist() if _is_deep(encoded, row)]
    return deep[:: max(1, len(deep) // PROBES)]


def _is_deep(encoded: EncodedImages, row: int) -> bool:
    with contextlib.suppress(OSError, tf.errors.OpError):
        if isinstance(encoded, ImageFiles):
            with open(encoded.paths[row], "rb") as file:
                head = file.read(HEADER)
        else:
            head = encoded.read(tf.constant(row, tf.int64))[0].numpy()[:HEADER]
        return head.startswith(PNG) and head[DEPTH : DEPTH + 1] == bytes([BITS])
    return False


def _largest(encoded: EncodedImages, row: int) -> int:
    """Return the largest value of an image; 0 for one that cannot be read."""
    with contextlib.suppress(tf.errors.OpError):
        image, _ = encoded.read(tf.constant(row, tf.int64))
        return int(tf.reduce_max(tf.cast(decode_deep(image), tf.int32)))
    return 0
