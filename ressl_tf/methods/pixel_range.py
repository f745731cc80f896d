"""Notice images on another scale than 0..255, which would train as black or as noise.

Keras's guides divide by 255; the encoder here normalises raw images itself.
"""

import logging

import keras
import tensorflow as tf

from ressl_tf.data.pixel_scale import is_foreign
from ressl_tf.runtime import distribute

log = logging.getLogger("ressl_tf")


class PixelRange:
    """The range of a model's last batch, and one warning if it is another than 0..255.

    Attributes:
        extremes: smallest and largest value of the last batch, float32 [2].
    """

    def __init__(self) -> None:
        initial = keras.initializers.Constant([0.0, 255.0])
        self.extremes = keras.Variable(
            initial, shape=(2,), dtype="float32", trainable=False, name="pixel_range"
        )
        self.warned = False

    def note(self, images: tf.Tensor) -> None:
        """Note the range of a batch of images, of any type, inside a step."""
        ends = [tf.reduce_min(images), tf.reduce_max(images)]
        ends = tf.stack([tf.cast(end, tf.float32) for end in ends])
        distribute.assign_each([self.extremes], [ends])

    def warn(self) -> None:
        """Warn, once, if what was noted is another range."""
        low, high = self.extremes.numpy()
        if not self.warned and is_foreign(low, high):
            self.warned = True
            log.warning(
                "the images have values from %.4g to %.4g: raw ones on 0..255 are "
                "expected, uint8 or float, which the encoder normalises itself; leave "
                "out a division by 255 or a preprocess_input",
                low,
                high,
            )
