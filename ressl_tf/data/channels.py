"""Images of one channel, of three, and of more: from one to the other."""

import numpy as np
import tensorflow as tf

RGB = 3
LUMA = (19595, 38470, 7471)  # of 65,536: ITU-R BT.601, as Pillow's "L" rounds it


def to_grey(images: tf.Tensor) -> tf.Tensor:
    """Return the luma of RGB images, as `PIL.Image.convert("L")` does.

    Args:
        images: uint8 [..., height, width, 3].

    Returns:
        uint8 [..., height, width, 1]; of a grey image the same values.
    """
    weighted = tf.cast(images, tf.int32) * tf.constant(LUMA)
    total = tf.reduce_sum(weighted, axis=-1, keepdims=True)
    return tf.cast((total + 2**15) // 2**16, tf.uint8)


def shown(images: np.ndarray) -> np.ndarray:
    """Return images as they are shown, in RGB.

    One channel is grey, two are red and green. Of more than three the first three are
    shown.

    Args:
        images: [..., height, width, channels].

    Returns:
        Of the same type, [..., height, width, 3].
    """
    images = np.asarray(images)
    channels = images.shape[-1]
    if channels == 1:
        return np.repeat(images, RGB, axis=-1)
    if channels < RGB:
        empty = [(0, 0)] * (images.ndim - 1)
        return np.pad(images, [*empty, (0, RGB - channels)])
    return images[..., :RGB]
