"""A trained model as one function of raw images, which converters read."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.models.pyramid import Level
from ressl_tf.saving.keras_file import functional
from ressl_tf.saving.rebuild import rebuild, stock_norm

Run = Callable[[np.ndarray], dict[str, np.ndarray]]  # a batch -> outputs by their names


@dataclasses.dataclass(frozen=True)
class Forward:
    """Inference on raw images, normalisation inside.

    Attributes:
        root: holds the weights, plainly, as TensorFlow Lite's converter finds them.
        function: images [batch, h, w, c] on 0..255 -> dict of float32 tensors.
        spec: of the images; the batch has any length.
    """

    root: tf.train.Checkpoint
    function: tf.types.experimental.PolymorphicFunction
    spec: tf.TensorSpec


def forward(
    model: Encoder | Classifier,
    image_size: int | None,
    outputs: Sequence[str],
    levels: Mapping[str, Level],
    input_type: str,
) -> Forward:
    """Return the function that is converted; it computes in float32.

    Args:
        model: the model to export; it stays as it is.
        image_size: side in pixels; None for any height and width.
        outputs: names, as in `saved_model.save`.
        levels: feature maps, which are outputs, too; those of the model's backbone.
        input_type: "uint8" or "float32".

    Raises:
        UsageError: the backbone cannot take images of that size.
    """
    network = functional(rebuild(model, image_size, stock_norm), outputs, levels)
    network = _in_float32(network)

    def function(images):
        made = network(tf.cast(images, tf.float32), training=False)
        return made if isinstance(made, dict) else {"features": made}

    spec = tf.TensorSpec(network.input_shape, input_type, "images")
    root = tf.train.Checkpoint(variables=[v.value for v in network.variables])
    return Forward(root, tf.function(function, autograph=False), spec)


def _in_float32(network: keras.Model) -> keras.Model:
    """Return a network without layers of 16 bits, as --mixed_precision leaves them."""
    if {layer.compute_dtype for layer in network._flatten_layers()} == {"float32"}:
        return network

    def clone(layer):
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=clone, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
