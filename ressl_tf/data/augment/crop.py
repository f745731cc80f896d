"""Crop boxes, distributed as those of torchvision's RandomResizedCrop.

The random numbers do not depend on the image: they can be drawn for a batch before its
images are read, and images that differ in size can use them.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

TRIES = 10  # torchvision's RandomResizedCrop gives up after ten boxes


def sample(seed: tf.Tensor, batch: int | tf.Tensor) -> tf.Tensor:
    """Draw the numbers that `boxes` takes: float32 [batch, 2 * TRIES + 2] in [0, 1)."""
    return tf.random.stateless_uniform([batch, 2 * TRIES + 2], seed)


def boxes(
    draws: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    scale: Sequence[float],
    ratio: Sequence[float],
) -> tf.Tensor:
    """Make one crop box per image, distributed as torchvision's RandomResizedCrop.

    Args:
        draws: from `sample`, [batch, 2 * TRIES + 2].
        height: of the source images in pixels, int32 scalar.
        width: as height.
        scale: range of the fraction of the image's area, drawn uniformly.
        ratio: range of width / height of the box, drawn log-uniformly.

    Returns:
        float32 [batch, 4] of whole numbers: top, left, height, width in pixels.
    """
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    size = _first_that_fits(draws[:, 2:], height, width, scale, ratio)  # [batch, 2]
    room = tf.stack([height, width]) - size
    fallback = size[:, :1] == 0
    central = _central_size(height, width, ratio)
    size = tf.where(fallback, central, size)
    anywhere = tf.floor(draws[:, :2] * (room + 1))
    centred = (tf.stack([height, width]) - size) // 2
    return tf.concat([tf.where(fallback, centred, anywhere), size], axis=1)


def upside_down(boxes: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Return boxes of which the chosen ones, bool [batch], are read from their end."""
    top, left, height, width = tf.unstack(boxes, axis=1)
    top = tf.where(chosen, top + height, top)
    height = tf.where(chosen, -height, height)
    return tf.stack([top, left, height, width], axis=1)


def _first_that_fits(
    draws: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    scale: Sequence[float],
    ratio: Sequence[float],
) -> tf.Tensor:
    """Return height and width of the first box inside each image; 0 where none fits."""
    area, aspect = tf.split(draws, 2, axis=1)  # [batch, TRIES] each, in [0, 1)
    area = height * width * (scale[0] + (scale[1] - scale[0]) * area)
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = tf.exp(low + (high - low) * aspect)
    sizes = tf.round(
        tf.stack([tf.sqrt(area / aspect), tf.sqrt(area * aspect)], axis=2)
    )  # [batch, TRIES, 2]
    fits = tf.reduce_all((sizes >= 1) & (sizes <= tf.stack([height, width])), axis=2)
    first = tf.argmax(tf.cast(fits, tf.int32), axis=1)
    size = tf.gather(sizes, first, batch_dims=1)
    return tf.where(tf.reduce_any(fits, axis=1, keepdims=True), size, 0.0)


def _central_size(
    height: tf.Tensor, width: tf.Tensor, ratio: Sequence[float]
) -> tf.Tensor:
    """Return the largest box of an allowed aspect, torchvision's fallback."""
    return tf.stack(
        [
            tf.minimum(height, tf.round(width / ratio[0])),
            tf.minimum(width, tf.round(height * ratio[1])),
        ]
    )
