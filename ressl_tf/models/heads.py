"""Projection and prediction heads, initialised as PyTorch initialises linear layers."""

import math

import keras

from ressl_tf.models.backbones.batch_norm import BatchNormalization


def linear(
    units: int, inputs: int, name: str, use_bias: bool = True
) -> keras.layers.Dense:
    """Build a dense layer; weights and bias start as U(-b, b), b = 1 / sqrt(inputs).

    Args:
        units: length of its output.
        inputs: length of its input.
        name: of the layer.
        use_bias: whether it has a bias.
    """
    bound = 1.0 / math.sqrt(inputs)
    return keras.layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        name=name,
    )


def projector(
    inputs: int, hidden: int, outputs: int, norm: str | None = None
) -> keras.Sequential:
    """Build Linear - ReLU - Linear, or Linear - BN - ReLU - Linear without last bias.

    Args:
        inputs: length of the backbone's features.
        hidden: width of the hidden layer.
        outputs: length of the embedding.
        norm: scope of the batch statistics, see `BatchNormalization`; None for no
            batch normalisation and a bias on both layers.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Sec. 4; with batch normalisation:
    Grill et al., BYOL (NeurIPS 2020), Sec. 3.3.
    """
    layers = [
        keras.layers.InputLayer(shape=(inputs,)),
        *_hidden(hidden, inputs, norm, ""),
        linear(outputs, hidden, name="output", use_bias=norm is None),
    ]
    return keras.Sequential(layers, name="projector")


def predictor(
    dim: int, hidden: int, depth: int = 2, norm: str | None = "local"
) -> keras.Sequential:
    """Build a head from embeddings to embeddings, of the form of the projector.

    Args:
        dim: length of its input and its output.
        hidden: width of the hidden layers.
        depth: linear layers; 1 is one matrix, 2 has one hidden layer.
        norm: as in `projector`.
    """
    layers = [keras.layers.InputLayer(shape=(dim,))]
    width = dim
    for index in range(1, depth):
        layers += _hidden(hidden, width, norm, f"_{index}")
        width = hidden
    layers.append(linear(dim, width, name="output", use_bias=norm is None))
    return keras.Sequential(layers, name="predictor")


def prelu_predictor(dim: int, hidden: int) -> keras.Sequential:
    """Build Linear - PReLU - Linear, which starts Xavier uniform with biases of 0.01.

    Args:
        dim: length of its input and its output.
        hidden: width of the hidden layer.

    Reference: the code of Lee et al., RGRL (CIKM 2022).
    """

    def dense(units: int, name: str) -> keras.layers.Dense:
        bias = keras.initializers.Constant(0.01)
        return keras.layers.Dense(units, bias_initializer=bias, name=name)

    layers = [
        keras.layers.InputLayer(shape=(dim,)),
        dense(hidden, "hidden"),
        prelu("prelu"),
        dense(dim, "output"),
    ]
    return keras.Sequential(layers, name="predictor")


def prelu(name: str) -> keras.layers.PReLU:
    """Build a leaky ReLU with one learned slope, 0.25 at the start, as PyTorch's."""
    slope = keras.initializers.Constant(0.25)
    return keras.layers.PReLU(slope, shared_axes=[1], name=name)


def _hidden(
    units: int, inputs: int, norm: str | None, suffix: str
) -> list[keras.layers.Layer]:
    layers = [linear(units, inputs, name=f"hidden{suffix}")]
    if norm is not None:
        layers.append(BatchNormalization(norm, name=f"bn{suffix}"))
    return [*layers, keras.layers.ReLU(name=f"relu{suffix}")]
