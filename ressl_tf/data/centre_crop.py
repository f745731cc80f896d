"""The view of an image that is evaluated: its centre, without augmentation."""

import tensorflow as tf


def centre_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    """Crop the evaluation's view, [n, height, width, 3] -> [n, size, size, 3].

    `evaluation_batches` describes it. Of uint8 it rounds as torchvision's Resize and
    CenterCrop; float32 stays as it is.
    """
    crops = tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: images,
        lambda: _resized_crop(images, size),
    )
    return tf.ensure_shape(crops, [None, size, size, images.shape[3]])


def _resized_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    sides, dtype = tf.shape(images)[1:3], images.dtype
    shorter = round(size * 256 / 224)
    sides = sides * shorter // tf.reduce_min(sides)
    images = tf.image.resize(images, sides, "bilinear", antialias=True)
    top, left = tf.unstack(tf.cast(tf.round((sides - size) / 2), tf.int32))
    crops = images[:, top : top + size, left : left + size]
    if dtype == tf.float32:
        return tf.clip_by_value(crops, 0, 255)
    return tf.cast(tf.clip_by_value(tf.round(crops), 0, 255), tf.uint8)
