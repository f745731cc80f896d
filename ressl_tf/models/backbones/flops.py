"""The cost of a forward pass, counted layer by layer."""

import math

import keras
import tensorflow as tf

from ressl_tf.models.backbones.patches import PatchEmbedding

PRODUCTS = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2", "Einsum")


def multiply_adds(network: keras.Model, image_size: int) -> int:
    """Count the multiply-adds of one image's forward pass; FLOPs are twice as many.

    Counted as papers count: convolutions, linear layers and the two products of
    attention. Biases, normalisation, activations and pooling are not. A network with
    layers or models inside its layers is counted by the operations of its graph.

    Args:
        network: a functional model of images.
        image_size: side of the image in pixels.
    """
    if any(map(_has_own_code, network.layers)):
        return _traced(network, image_size)
    if network.input_shape[1] is None:  # shapes are known only for a size
        images = keras.Input((image_size, image_size, network.input_shape[3]))
        network = keras.models.clone_model(network, input_tensors=images)
    return sum(_layer(layer) for layer in network.layers)


def _has_own_code(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return False
    inner = len(layer._flatten_layers(include_self=False)) > 0
    return inner or not type(layer).__module__.startswith(("keras.", "ressl_tf."))


def _traced(network: keras.Model, image_size: int) -> int:
    shape = (1, image_size, image_size, network.input_shape[3])
    function = tf.function(lambda images: network(images, training=False))
    traced = function.get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return _in_graph(traced.graph)


def _in_graph(graph: tf.Graph) -> int:
    """Sum over a graph and the functions that it calls."""
    total = 0
    for operation in graph.get_operations():
        if operation.type in PRODUCTS:
            total += _product(operation)
        elif operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            called = operation.get_attr("f").name
            total += _in_graph(graph._get_function(called).graph)
    return total


def _product(operation: tf.Operation) -> int:
    """Count one per output and value that is summed over."""
    first, second = (tensor.shape for tensor in operation.inputs[:2])
    outputs = math.prod(operation.outputs[0].shape)
    if operation.type == "Conv2D":
        return outputs * math.prod(second[:3])
    if operation.type == "DepthwiseConv2dNative":
        return outputs * math.prod(second[:2])
    if operation.type == "Einsum":
        return _summed_einsum(operation, (first, second))
    transposed = "transpose_a" if operation.type == "MatMul" else "adj_x"
    return outputs * first[-2 if operation.get_attr(transposed) else -1]


def _summed_einsum(operation: tf.Operation, shapes: tuple) -> int:
    """Count the product of the sizes of all indices."""
    inputs = operation.get_attr("equation").decode().split("->")[0].split(",")
    sizes = {
        index: size
        for letters, shape in zip(inputs, shapes, strict=True)
        for index, size in zip(_named(letters, len(shape)), shape, strict=True)
    }
    return math.prod(sizes.values())


def _named(letters: str, rank: int) -> str:
    """Name the axes that an ellipsis stands for."""
    return letters.replace("...", "ABCDEFGH"[: rank + 3 - len(letters)])


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
    if isinstance(layer, PatchEmbedding):
        places = layer.output.shape[1] - layer.has_class_token
        return places * math.prod(layer.kernel.shape)
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
