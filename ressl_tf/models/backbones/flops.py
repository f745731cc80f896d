"""The cost of a forward pass, counted layer by layer."""

import math

import keras


def multiply_adds(network: keras.Model, image_size: int) -> int:
    """Count the multiply-adds of one image's forward pass; FLOPs are twice as many.

    Counted as papers count: convolutions, linear layers and the two products of
    attention. Biases, normalisation, activations and pooling are not.

    Args:
        network: a functional model of images.
        image_size: side of the image in pixels.
    """
    if network.input_shape[1] is None:  # shapes are known only for a size
        images = keras.Input((image_size, image_size, network.input_shape[3]))
        network = keras.models.clone_model(network, input_tensors=images)
    return sum(_layer(layer) for layer in network.layers)


def _layer(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        _, height, width, _ = layer.output.shape
        return height * width * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.EinsumDense):
        return _einsum(layer)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _attention(layer)
    return 0


def _einsum(layer: keras.layers.EinsumDense) -> int:
    """Count one per output and value of the indices that are summed over."""
    kernel, outputs = layer.equation.split(",")[1].split("->")
    sizes = zip(kernel, layer.kernel.shape, strict=True)
    summed = math.prod(size for index, size in sizes if index not in outputs)
    return math.prod(layer.output.shape[1:]) * summed


def _attention(layer: keras.layers.MultiHeadAttention) -> int:
    """Count four projections of each token, and two products of each pair."""
    _, tokens, _ = layer.output.shape
    kernels = [v.shape for v in layer.trainable_variables if v.name == "kernel"]
    projections = tokens * sum(math.prod(shape) for shape in kernels)
    return projections + 2 * tokens**2 * layer.num_heads * layer.key_dim
