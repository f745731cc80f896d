"""A small set of one size, decoded once into memory."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.readable_rows import leave_out
from ressl_tf.data.sources import EncodedImages, MemorySource
from ressl_tf.runtime.errors import UsageError


def in_memory(
    encoded: EncodedImages,
    shape: tuple[int, int, int] | None,
    skip: bool,
    limit: int,
    demanded: bool,
) -> MemorySource | None:
    """Decode the set into memory; if that is impossible, return None or refuse."""
    each = np.prod(shape or 0) * np.dtype(encoded.decoding.dtype).itemsize
    source, needed = None, encoded.size * each
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


def _decode_all(
    encoded: EncodedImages, shape: tuple[int, int, int], skip: bool
) -> MemorySource | None:
    """Decode the whole set, or return None when another size turns up."""
    images = np.empty((encoded.size, *shape), encoded.decoding.dtype)
    labels = np.empty(encoded.size, np.int32)
    good = np.zeros(encoded.size, bool)

    def decoded(row):
        image, label = encoded.example(row)
        return row, tf.ensure_shape(image, shape), label

    for rows, batch, batch_labels in encoded.each_readable(decoded).batch(1024):
        images[rows], labels[rows], good[rows] = batch, batch_labels, True
    bad = np.flatnonzero(~good)
    if any(encoded.why_unreadable(row) is None for row in bad.tolist()):
        return None
    skipped = leave_out(encoded, bad, skip)
    rows = np.flatnonzero(good)
    if skipped:
        images, labels = images[good], labels[good]
    return MemorySource.of(
        encoded.name,
        images,
        labels,
        encoded.label_names,
        skipped,
        lambda index: encoded.example_name(int(rows[index])),
    )
