"""Networks that show what converters can and cannot do, and their functions."""

import keras
import tensorflow as tf

from helpers.exports import MEAN, STD, trained
from ressl_tf.models.encoder import Encoder
from ressl_tf.saving.converted.forward import forward


class Rare(keras.layers.Layer):
    """An operation that neither LiteRT nor ONNX has."""

    def call(self, inputs):
        return tf.math.igamma(tf.ones_like(inputs), tf.nn.relu(inputs))


def gelu_encoder(last=None, side=16, channels=3):
    """Return an encoder with the exact GELU of transformers, and any last layer."""
    layers = [
        keras.Input((side, side, channels)),
        keras.layers.Conv2D(8, 3, 2, "same", name="conv1"),
        keras.layers.Activation("gelu"),
        keras.layers.LayerNormalization(),
        keras.layers.GlobalAveragePooling2D(),
    ]
    backbone = keras.Sequential([*layers, *([last] if last else [])])
    numbers = (MEAN, STD) if channels == 3 else ((0.5,) * channels, (0.2,) * channels)
    return trained(Encoder(backbone, None, *numbers))


def function_of(model, outputs=("features",), levels=None, input_type="uint8", size=16):
    return forward(model, size, outputs, levels or {}, input_type)
