"""Crop boxes, distributed as torchvision's RandomResizedCrop draws them.

What is drawn does not know the image: a batch's draws can be made before its images
are there, and be of images that differ in size.
"""

import math

import tensorflow as tf

TRIES = 10  # torchvision's RandomResizedCrop gives up after ten boxes


def draw(seed, batch) -> tf.Tensor:
    """What `boxes` makes boxes of: float32 [batch, 2 * TRIES + 2] within [0, 1)."""
    return tf.random.stateless_uniform([batch, 2 * TRIES + 2], seed)


def boxes(draws, height, width, scale, ratio) -> tf.Tensor:
    """One crop box per image, distributed as torchvision's RandomResizedCrop.

    Args:
        draws: as `draw` makes them, [batch, 2 * TRIES + 2].
        height, width: size of the source images in pixels, int32 scalars.
        scale: range of the box's share of the image's area, drawn uniformly.
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


def _first_that_fits(draws, height, width, scale, ratio):
    """Height and width of each image's first box inside the image, 0 if none is."""
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


def _central_size(height, width, ratio):
    """The largest box of an allowed aspect: what torchvision falls back to."""
    return tf.stack(
        [
            tf.minimum(height, tf.round(width / ratio[0])),
            tf.minimum(width, tf.round(height * ratio[1])),
        ]
    )
