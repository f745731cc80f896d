"""Projection heads, initialised as PyTorch initialises its linear layers."""

import math

import keras


def linear(units: int, inputs: int, name: str) -> keras.layers.Dense:
    """A dense layer whose weights and bias start as U(-1/sqrt(inputs), 1/sqrt(inputs)).

    Args:
        units: outputs.
        inputs: the length of its input, which bounds the bias.
        name: of the layer.
    """
    bound = 1.0 / math.sqrt(inputs)
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        name=name,
    )


def projector(inputs: int, hidden: int, outputs: int) -> keras.Sequential:
    """Linear - ReLU - Linear with bias and no batch normalisation.

    Args:
        inputs: length of the backbone's features.
        hidden: width of the hidden layer.
        outputs: length of the embedding.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Sec. 4.
    """
    layers = [
        keras.layers.InputLayer(shape=(inputs,)),
        linear(hidden, inputs, name="hidden"),
        keras.layers.ReLU(name="relu"),
        linear(outputs, hidden, name="output"),
    ]
    return keras.Sequential(layers, name="projector")
