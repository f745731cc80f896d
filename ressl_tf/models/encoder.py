"""Images in, features and embeddings out."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.shown_shape import ShownShape


@keras.saving.register_keras_serializable(package="ressl_tf")
class Encoder(ShownShape, keras.layers.Layer):
    """Normalisation, backbone and projector, which papers call the encoder together.

    Args:
        backbone: a built `keras.Model` from normalised images to features [batch, f].
        projector: a built `keras.Model` from features to embeddings [batch, d]; None
            for an encoder that gives features alone.
        mean: per channel, on the scale 0..1; it is subtracted from the images.
        std: per channel, on the scale 0..1; the images are divided by it.

    Raises:
        UsageError: mean or std are not one number on this scale for each channel.
    """

    def __init__(
        self,
        backbone: keras.Model,
        projector: keras.Model | None,
        mean: Sequence[float],
        std: Sequence[float],
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})  # images keep their 8 bits
        self.backbone, self.projector = backbone, projector
        channels = backbone.input_shape[-1] or len(tuple(mean))
        self.mean = _per_channel("mean", mean, channels)
        self.std = _per_channel("std", std, channels)
        self.built = True
        self.show_shape()

    @property
    def output_shape(self) -> tuple[int | None, int]:
        """The shape of what `call` returns."""
        return (None, self.embedding_dim)

    @property
    def channels(self) -> int:
        """Number of channels of the images."""
        return len(self.mean)

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding; without a projector that of the features."""
        return (self.projector or self.backbone).output_shape[-1]

    @property
    def feature_dim(self) -> int:
        """Length of the backbone's features."""
        return self.backbone.output_shape[-1]

    def without_projector(self) -> "Encoder":
        """Return an encoder of features that shares this backbone."""
        return Encoder(self.backbone, None, self.mean, self.std, name=self.name)

    def feature_model(self) -> keras.Model:
        """Build a model from raw images [batch, h, w, 3] on 0..255 to features."""
        return keras.Sequential([self.without_projector()])

    def features(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Map images [batch, h, w, 3] on 0..255, of any dtype, to float32 features."""
        images = self.normalized(images)
        return tf.cast(self.backbone(images, training=training), tf.float32)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Compute embeddings [batch, d], float32, not normalised to unit length.

        Without a projector these are the features.
        """
        features = self.features(images, training=training)
        if self.projector is None:
            return features
        return tf.cast(self.projector(features, training=training), tf.float32)

    def normalized(self, images: tf.Tensor) -> tf.Tensor:
        """Normalise images [batch, h, w, channels] on 0..255, of any dtype, to float32.

        It goes line by line: on a CPU, axes of 3 take 2 to 4 times as long.
        """
        images = tf.cast(images, tf.float32) / 255.0
        shape = tf.shape(images)
        lines = tf.reshape(images, [-1, self.channels * shape[2]])
        mean, std = (tf.tile(tf.constant(x), shape[2:3]) for x in (self.mean, self.std))
        return tf.reshape((lines - mean) / std, shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the encoder."""
        return {
            "name": self.name,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "projector": keras.saving.serialize_keras_object(self.projector),
            "mean": self.mean,
            "std": self.std,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Encoder":
        """Rebuild the encoder from `get_config`."""
        networks = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("backbone", "projector")
        }
        return cls(**{**config, **networks})


def _per_channel(
    name: str, values: Sequence[float], channels: int
) -> tuple[float, ...]:
    """Return a number for each channel; refuse what is on the scale 0..255."""
    numbers = tuple(float(value) for value in values)
    within = [0 <= x <= 1 and (name == "mean" or x > 0) for x in numbers]
    if len(numbers) != channels or not all(within):
        of = "three numbers on 0..1, of red, green and blue"
        if channels != 3:
            of = f"{channels} numbers on 0..1, one for each channel"
        above = ", above 0" if name == "std" else ""
        raise UsageError(f"{name} must be {of}{above}. Received: {list(values)}")
    return numbers
