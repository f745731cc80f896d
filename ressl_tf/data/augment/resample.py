"""Cutting boxes out of images and resampling them, bilinear and antialiased.

Resampling a line of pixels is a product with a matrix of triangles. The matrix is
almost empty, so it is cut into blocks of output pixels, each with the few source
pixels that it can see: 1.5x faster at 256 -> 224 pixels on CPU than whole matrices.
"""

import math

import tensorflow as tf

BLOCK = 32  # output pixels at a time; an image of up to 32 pixels is one block


def crop_and_resize(
    images: tf.Tensor,
    boxes: tf.Tensor,
    mirrored: tf.Tensor,
    size: int,
    antialias: bool = True,
) -> tf.Tensor:
    """Cut a box from every image and resample it to a square.

    Bilinear with half-pixel centres; pixels outside the box do not count. Where a box
    shrinks, `antialias` widens the filter's triangle by the shrink factor, as PIL and
    torchvision do.

    Args:
        images: float32 [batch, height, width, 3].
        boxes: float32 [batch, 4]: top, left, height, width in pixels. One of negative
            height is read upwards, from `top`, its end.
        mirrored: bool [batch]: whether left and right change places.
        size: side of the output in pixels.
        antialias: whether the filter widens where the box shrinks.

    Returns:
        float32 [batch, size, size, 3].
    """
    top, left, height, width = tf.unstack(boxes, axis=1)
    left = tf.where(mirrored, left + width, left)  # a mirrored box is read backwards
    width = tf.where(mirrored, -width, width)
    images = resize_rows(images, top, height, size, antialias)
    images = tf.transpose(images, [0, 2, 1, 3])  # [batch, width, size, 3]
    images = resize_rows(images, left, width, size, antialias)
    return tf.transpose(images, [0, 2, 1, 3])


def resize_rows(
    images: tf.Tensor,
    start: tf.Tensor,
    length: tf.Tensor,
    size: int,
    antialias: bool,
) -> tf.Tensor:
    """Resample rows from `start` to `start + length` to `size` rows.

    Args:
        images: float32 [batch, height, width, 3].
        start: float32 [batch], in pixels.
        length: float32 [batch], in pixels; a negative length reads backwards.
        size: number of output rows.
        antialias: as in `crop_and_resize`.

    Returns:
        float32 [batch, size, width, 3].
    """
    batch, height, width, _ = tf.unstack(tf.shape(images))
    channels = images.shape[3]
    blocks = -(-size // BLOCK)
    block = -(-size // blocks)
    places = tf.range(blocks * block, dtype=tf.float32) + 0.5
    centres = start[:, None] + places * (length / size)[:, None]
    centres = tf.reshape(centres, [batch, blocks, block])
    reach = tf.maximum(tf.abs(length) / size, 1.0) if antialias else tf.ones_like(start)
    rows = _visible_rows(centres, reach, height, size)
    weights = _weights(rows, centres, reach, start, length)
    lines = tf.reshape(images, [batch, height, width * channels])
    if blocks == 1:  # sees all rows
        lines = lines[:, None]
    else:
        lines = tf.gather(lines, tf.cast(rows, tf.int32), batch_dims=1)
    lines = weights @ lines  # [batch, blocks, block, width * channels]
    lines = tf.reshape(lines, [batch, blocks * block, width, channels])
    return lines[:, :size]


def _visible_rows(
    centres: tf.Tensor, reach: tf.Tensor, height: tf.Tensor, size: int
) -> tf.Tensor:
    """List the rows that each block may need: float32 [batch or 1, blocks, rows]."""
    blocks, block = centres.shape[1:]
    if blocks == 1:
        return tf.range(tf.cast(height, tf.float32))[None, None]
    shrink = tf.maximum(tf.cast(height, tf.float32) / size, 1.0)  # the highest factor
    count = tf.cast(tf.math.ceil((block + 1) * shrink), tf.int32) + 2
    count = tf.minimum(count, height)
    first = tf.floor(tf.reduce_min(centres, axis=2) - reach[:, None])
    first = tf.clip_by_value(first, 0.0, tf.cast(height - count, tf.float32))
    return first[:, :, None] + tf.range(tf.cast(count, tf.float32))


def _weights(
    rows: tf.Tensor,
    centres: tf.Tensor,
    reach: tf.Tensor,
    start: tf.Tensor,
    length: tf.Tensor,
) -> tf.Tensor:
    """Weigh the visible rows for every output row, 0 outside the box.

    Returns:
        float32 [batch, blocks, block, rows].
    """
    start, length = start[:, None, None], length[:, None, None]
    reach = reach[:, None, None]
    depth = (rows + 0.5 - start) * tf.sign(length)  # in the box, from its start
    inside = (depth > 0) & (depth < tf.abs(length))
    rows = tf.where(inside, (rows + 0.5) / reach, -1e6)  # too far for any weight
    distance = tf.abs(rows[:, :, None, :] - (centres / reach)[..., None])
    weights = tf.nn.relu(1 - distance)
    total = tf.reduce_sum(weights, axis=3, keepdims=True)
    return weights * (1 / tf.maximum(total, 1e-6))  # rows beyond `size` see nothing


def visible_lines(
    start: tf.Tensor, length: tf.Tensor, extent: int, size: int, antialias: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """List the source rows, and their weights, of each row of one image's crop.

    Args:
        start: float32 scalar, in pixels.
        length: float32 scalar, in pixels; a negative length reads backwards.
        extent: rows of the source.
        size: number of output rows.
        antialias: as in `crop_and_resize`.

    Returns:
        (the source rows, int32; their weights, float32), both [size, most seen].
    """
    centres = start + (tf.range(size, dtype=tf.float32) + 0.5) * (length / size)
    reach = tf.maximum(tf.abs(length) / size, 1.0) if antialias else 1.0
    most = math.ceil(2 * max(extent / size, 1.0)) if antialias else 2
    first = tf.floor(centres - reach + 0.5)
    rows = first[:, None] + tf.range(most, dtype=tf.float32)  # [size, most]
    low = tf.minimum(start, start + length)
    inside = (rows >= low) & (rows < low + tf.abs(length))
    weights = tf.nn.relu(1 - tf.abs(rows + 0.5 - centres[:, None]) / reach)
    weights = tf.where(inside, weights, 0.0)
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.cast(tf.clip_by_value(rows, 0.0, extent - 1.0), tf.int32), weights
