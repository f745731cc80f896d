"""The view of an image that is evaluated: its centre, without augmentation."""

import tensorflow as tf

from ressl_tf.data.augment.oriented import upright


def centre_crop(
    images: tf.Tensor, size: int, orientation: tf.Tensor | None = None
) -> tf.Tensor:
    """Crop the evaluation's view, [n, height, width, 3] -> [n, size, size, 3].

    `evaluation_batches` describes it. Of uint8 it rounds as torchvision's Resize and
    CenterCrop; float32 stays as it is.

    Args:
        images: on 0..255.
        size: of the crop in pixels.
        orientation: int32 []; the one image is turned, small, as its EXIF says.
    """
    crops = tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: _upright(images, orientation),
        lambda: _resized_crop(images, size, orientation),
    )
    return tf.ensure_shape(crops, [None, size, size, images.shape[3]])


def _upright(images: tf.Tensor, orientation: tf.Tensor | None) -> tf.Tensor:
    return images if orientation is None else upright(images[0], orientation)[None]


def _resized_crop(
    images: tf.Tensor, size: int, orientation: tf.Tensor | None
) -> tf.Tensor:
    sides, dtype = tf.shape(images)[1:3], images.dtype
    shorter = round(size * 256 / 224)
    sides = sides * shorter // tf.reduce_min(sides)
    images = tf.image.resize(images, sides, "bilinear", antialias=True)
    images = _upright(images, orientation)
    sides = tf.shape(images)[1:3]
    top, left = tf.unstack(tf.cast(tf.round((sides - size) / 2), tf.int32))
    crops = images[:, top : top + size, left : left + size]
    if dtype == tf.float32:
        return tf.clip_by_value(crops, 0, 255)
    return tf.cast(tf.clip_by_value(tf.round(crops), 0, 255), tf.uint8)
