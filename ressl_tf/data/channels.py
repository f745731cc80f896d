"""Images of one channel and of three."""

import tensorflow as tf

LUMA = (19595, 38470, 7471)  # of 65,536: ITU-R BT.601, as Pillow's "L" rounds it


def to_grey(images: tf.Tensor) -> tf.Tensor:
    """Return the luma of RGB images, as `PIL.Image.convert("L")` does.

    Args:
        images: uint8 or float32 [..., height, width, 3].

    Returns:
        [..., height, width, 1] of the same type; of a grey image the same values.
        Floats are not rounded.
    """
    if images.dtype == tf.float32:
        weights = tf.constant(LUMA, tf.float32) / 2**16
        return tf.reduce_sum(images * weights, axis=-1, keepdims=True)
    weighted = tf.cast(images, tf.int32) * tf.constant(LUMA)
    total = tf.reduce_sum(weighted, axis=-1, keepdims=True)
    return tf.cast((total + 2**15) // 2**16, tf.uint8)
