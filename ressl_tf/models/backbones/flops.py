"""What a forward pass costs, counted layer by layer."""

import math

import keras


def multiply_adds(network: keras.Model, image_size: int) -> int:
    """Multiply-adds of a forward pass of one image; FLOPs are twice as many.

    Counted as papers count: convolutions, linear layers and the two products of
    attention. Biases, normalisation, activations and pooling are not.

    Args:
        network: a functional model of images.
        image_size: side of the image in pixels.
    """
    if network.input_shape[1] is None:  # shapes are known only for a size
        images = keras.Input((image_size, image_size, 3))
        network = keras.models.clone_model(network, input_tensors=images)
    return sum(_layer(layer) for layer in network.layers)


def _layer(layer) -> int:
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


def _einsum(layer) -> int:
    """Each output takes as many as there are values of the indices summed over."""
    kernel, made = layer.equation.split(",")[1].split("->")
    sizes = zip(kernel, layer.kernel.shape, strict=True)
    summed = math.prod(size for index, size in sizes if index not in made)
    return math.prod(layer.output.shape[1:]) * summed


def _attention(layer) -> int:
    """Self-attention: four projections of each token, and two products of each pair."""
    _, tokens, _ = layer.output.shape
    kernels = [v.shape for v in layer.trainable_variables if v.name == "kernel"]
    projections = tokens * sum(math.prod(shape) for shape in kernels)
    return projections + 2 * tokens**2 * layer.num_heads * layer.key_dim
