"""The graph convolutional network: (GCNConv - BN - PReLU) for each layer.

Kipf & Welling, Semi-Supervised Classification with Graph Convolutional Networks (ICLR
2017). Memory grows with edges plus nodes, not with their product.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ressl_tf.backbones.norm import BatchNormalization
from ressl_tf.errors import UsageError

BN_MOMENTUM = 0.99  # RGRL's code; PyTorch calls it 0.01


def spread(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """What each node gets from its neighbours and itself, D^-1/2 (A + I) D^-1/2 values.

    D holds the edges into a node and 1 for itself; the weight of an edge is by the D of
    both of its ends. (Kipf & Welling, Eq. 2.)

    Args:
        values: float32 [nodes, dim].
        edges: int64 [edges, 2], (source, target), no edge twice.

    Returns:
        float32 [nodes, dim].
    """
    nodes = tf.shape(values, out_type=tf.int64)[0]
    source, target = edges[:, 0], edges[:, 1]
    into = tf.math.unsorted_segment_sum(tf.ones_like(source, tf.float32), target, nodes)
    scale = tf.math.rsqrt(into + 1.0)  # [nodes]
    weights = tf.gather(scale, source) * tf.gather(scale, target)
    by_source = tf.SparseTensor(edges, weights, tf.stack([nodes, nodes]))
    received = tf.sparse.sparse_dense_matmul(by_source, values, adjoint_a=True)
    return received + (scale**2)[:, None] * values


@keras.saving.register_keras_serializable(package="ressl_tf")
class GCNConv(keras.layers.Layer):
    """`spread(features @ kernel, edges) + bias`, initialised by Glorot and zeros.

    Args:
        inputs: length of a node's features.
        units: outputs.
    """

    def __init__(self, inputs: int, units: int, **kwargs):
        super().__init__(**kwargs)
        self.inputs, self.units = inputs, units
        self.kernel = self.add_weight(
            name="kernel", shape=(inputs, units), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.built = True

    def call(self, features, edges):
        """Features [nodes, inputs], dense or a `tf.SparseTensor`, to [nodes, units]."""
        sparse = isinstance(features, tf.SparseTensor)
        multiply = tf.sparse.sparse_dense_matmul if sparse else tf.matmul
        kernel = tf.convert_to_tensor(self.kernel)
        return spread(multiply(features, kernel), edges) + self.bias

    def get_config(self):
        return {"name": self.name, "inputs": self.inputs, "units": self.units}


@keras.saving.register_keras_serializable(package="ressl_tf")
class GCN(keras.layers.Layer):
    """Nodes and edges in, an embedding of each node out.

    Args:
        num_features: length of a node's features.
        widths: units of each layer; the last is the length of an embedding.

    Example:
        gcn = GCN(graph.num_features, (256, 128))
        embeddings = gcn(graph.inputs)  # [nodes, 128]
    """

    def __init__(self, num_features: int, widths: Sequence[int] = (256, 128), **kwargs):
        super().__init__(**kwargs)
        if num_features < 1 or not widths or min(widths) < 1:
            raise UsageError(
                "a GCN needs features and at least one layer of 1 or more units. "
                f"Received: {num_features} features, layers {tuple(widths)}"
            )
        self.num_features, self.widths = num_features, tuple(map(int, widths))
        self.convolutions, self.norms, self.activations = [], [], []
        for index, units in enumerate(self.widths, 1):
            inputs = (num_features, *self.widths)[index - 1]
            self.convolutions.append(GCNConv(inputs, units, name=f"conv{index}"))
            norm = BatchNormalization(momentum=BN_MOMENTUM, name=f"bn{index}")
            self.norms.append(norm)
            self.activations.append(prelu(f"prelu{index}"))
            for layer in (self.norms[-1], self.activations[-1]):
                layer.build((None, units))
        self.built = True

    @property
    def embedding_dim(self) -> int:
        return self.widths[-1]

    @property
    def feature_dim(self) -> int:
        return self.widths[-1]

    def call(self, inputs, training=False):
        """Node embeddings, float32 [nodes, widths[-1]], not unit.

        Args:
            inputs: {"features": float32 [nodes, num_features], dense or a
                `tf.SparseTensor`; "edges": int64 [edges, 2], (source, target), both
                directions of an undirected edge}; other entries are ignored.
            training: whether batch normalisation takes the statistics of these nodes.
        """
        values, edges = inputs["features"], tf.cast(inputs["edges"], tf.int64)
        for convolution, norm, activation in zip(
            self.convolutions, self.norms, self.activations, strict=True
        ):
            values = norm(convolution(values, edges), training=training)
            values = activation(values)
        return values

    def get_config(self):
        own = {"num_features": self.num_features, "widths": self.widths}
        return {"name": self.name, **own}


def prelu(name: str) -> keras.layers.PReLU:
    """A leaky ReLU with one learned slope, 0.25 at the start, as PyTorch's."""
    slope = keras.initializers.Constant(0.25)
    return keras.layers.PReLU(slope, shared_axes=[1], name=name)
