"""Mixing two batches of images into one, by one fraction for the whole batch."""

import tensorflow as tf

from ressl_tf.runtime.randomness import uniform


def cutmix(
    images: tf.Tensor, others: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Paste a box of `others` into `images`, the same box in all.

    The box has sqrt(1 - r) times the sides of the image, r ~ U(0, 1) = Beta(1, 1). Its
    centre is anywhere in the image, so the border may cut it.

    Args:
        images: float32 [batch, height, width, 3].
        others: of the same shape, one for each image.
        seed: int32 [2].

    Returns:
        The mixed images, and the fraction of their area that comes from `images`: a
        float32 scalar, for the box as it was pasted.

    Reference: Yun et al., CutMix (ICCV 2019), Eq. 1 and 2.
    """
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    size = tf.stack([height, width])
    draws = uniform([3], seed)
    half = tf.cast(tf.sqrt(1.0 - draws[0]) * tf.cast(size, tf.float32), tf.int32) // 2
    centre = tf.cast(draws[1:] * tf.cast(size, tf.float32), tf.int32)
    low, high = tf.maximum(centre - half, 0), tf.minimum(centre + half, size)
    rows, columns = tf.range(height), tf.range(width)
    inside_rows = (rows >= low[0]) & (rows < high[0])
    inside_columns = (columns >= low[1]) & (columns < high[1])
    box = inside_rows[:, None] & inside_columns[None, :]  # [height, width]
    fraction = 1.0 - tf.reduce_mean(tf.cast(box, tf.float32))
    return tf.where(box[None, :, :, None], others, images), fraction


def mixup(
    images: tf.Tensor, others: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return r * images + (1 - r) * others and r, r ~ U(0, 1) = Beta(1, 1).

    Args:
        images: as in `cutmix`.
        others: as in `cutmix`.
        seed: int32 [2].

    Reference: Zhang et al., mixup (ICLR 2018), Sec. 2.
    """
    fraction = uniform([], seed)
    return fraction * images + (1.0 - fraction) * others, fraction


MIXINGS = {"cutmix": cutmix, "mixup": mixup}
