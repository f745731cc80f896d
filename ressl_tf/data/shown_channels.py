"""Images of any number of channels as pictures; without TensorFlow, for plots."""

import numpy as np

from ressl_tf.config.decoding import RGB


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
