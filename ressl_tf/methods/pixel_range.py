"""Notice images on another scale than 0..255, which would train as black or as noise.

Keras's guides divide by 255; the encoder here normalises raw images itself.
"""

import logging
import math

import keras
import tensorflow as tf

from ressl_tf.data.pixel_scale import is_dim, is_foreign
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
        self.warned = self.bytes = False

    def note(self, images: tf.Tensor) -> None:
        """Note the range of a batch of images, of any type, inside a step."""
        self.bytes = images.dtype == tf.uint8
        ends = [tf.reduce_min(images), tf.reduce_max(images)]
        ends = tf.stack([tf.cast(end, tf.float32) for end in ends])
        distribute.assign_each([self.extremes], [ends])

    def warn(self) -> None:
        """Warn, once, if what was noted is another range."""
        if not self.warned and (message := self.complaint()):
            self.warned = True
            log.warning("%s", message)

    def complaint(self) -> str:
        """Say what is wrong with the range of the last batch; "" for nothing."""
        low, high = map(float, self.extremes.numpy())
        if not (math.isfinite(low) and math.isfinite(high)):
            return (
                "the images hold values that are not finite (NaN or infinite), of "
                "which nothing can be learned: replace them, as with np.nan_to_num"
            )
        values = f"the images have values from {low:.4g} to {high:.4g}"
        if is_foreign(low, high):
            return (
                f"{values}: raw ones on 0..255 are expected, uint8 or float, which the "
                "encoder normalises itself; leave out a division by 255 or a "
                "preprocess_input"
            )
        if not self.bytes and is_dim(high):
            return (
                f"{values}: raw ones reach 255; if yours are on another scale, such as "
                "0..100, bring them to 0..255"
            )
        return ""
