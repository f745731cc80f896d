"""Every image of a set that can be read, in order, with its row."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.data.pipeline import AUTOTUNE, BUFFERED_STEPS, pipeline_options
from ressl_tf.data.sources import Source


@tf.autograph.experimental.do_not_convert  # slow, for nothing
def readable_batches(
    source: Source,
    image_size: int,
    batch_size: int,
    start: int = 0,
    rows: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Read plain images in the order of their rows; unreadable ones are left out.

    Args:
        source: where images come from.
        image_size: side of the crops in pixels, those of `centre_crop`.
        batch_size: images per batch; the last may be smaller.
        start: first row that is read.
        rows: int64 [m], the rows to read instead of all from `start` on.

    Returns:
        (rows, int64 [batch]; images [batch, image_size, image_size, 3]; labels, int32
        [batch], -1 without).
    """
    wanted = tf.data.Dataset.range(start, source.size)
    if rows is not None:
        wanted = tf.data.Dataset.from_tensor_slices(rows)

    def decoded(row):
        return row, *source.example(row)

    def cropped(row, image, label):
        return row, centre_crop(image[None], image_size)[0], label

    readable = wanted.map(decoded, AUTOTUNE).ignore_errors()
    batches = readable.map(cropped, AUTOTUNE).batch(batch_size)
    return batches.prefetch(BUFFERED_STEPS).with_options(pipeline_options())
