"""Images of any number of channels as pictures; without TensorFlow, for plots."""

import numpy as np

from ressl_tf.config.shown_rgb import places


def shown(images: np.ndarray, rgb: str = "") -> np.ndarray:
    """Return images as they are shown, in RGB.

    Args:
        images: [..., height, width, channels].
        rgb: `--rgb`, which channels are red, green and blue; empty: the first three,
            and of one or two the first as grey.

    Returns:
        Of the same type, [..., height, width, 3].

    Raises:
        UsageError: there is no such channel.
    """
    images = np.asarray(images)
    return images[..., list(places(rgb, images.shape[-1]))]
