"""The graph convolutional network: GCNConv, BN and PReLU in each layer.

Kipf & Welling, Semi-Supervised Classification with Graph Convolutional Networks (ICLR
2017). Memory grows with edges plus nodes, not with their product.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.heads import prelu
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.shown_shape import ShownShape

BN_MOMENTUM = 0.99  # RGRL's code; PyTorch calls it 0.01


class Propagation:
    """The matrix D^-1/2 (A + I) D^-1/2, which sums over neighbours and the node itself.

    D counts the edges into a node, and 1 for the node itself; the weight of an edge
    depends on the D of both of its ends (Kipf & Welling, Eq. 2).

    Args:
        edges: int64 [edges, 2], (source, target), no edge twice.
        nodes: number of nodes, scalar int64.
    """

    def __init__(self, edges: tf.Tensor, nodes: tf.Tensor):
        edges = _sorted(edges, nodes)
        source, target = edges[:, 0], edges[:, 1]
        ones = tf.ones_like(source, tf.float32)
        into = tf.math.unsorted_segment_sum(ones, target, nodes)
        scale = tf.math.rsqrt(into + 1.0)  # [nodes]
        self.loops = (scale**2)[:, None]
        weights = tf.gather(scale, source) * tf.gather(scale, target)
        self.by_source = tf.SparseTensor(edges, weights, tf.stack([nodes, nodes]))

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Multiply the matrix by values, float32 [nodes, dim]."""
        received = _product(self.by_source, values, transposed=True)
        return received + self.loops * values


def _product(
    matrix: tf.SparseTensor, values: tf.Tensor, transposed: bool = False
) -> tf.Tensor:
    """Multiply a sparse matrix by a dense one, which alone gets a gradient.

    CSR matrices take a fifth of the time of tf.sparse on two CPU cores. The gradient
    builds another one, as a branch of `tf.cond` cannot keep one for it.
    """

    def multiply(values, transposed):
        csr = tf.raw_ops.SparseTensorToCSRSparseMatrix(
            indices=matrix.indices,
            values=matrix.values,
            dense_shape=matrix.dense_shape,
        )
        if transposed:  # not by transpose_a, which sums in the order of its threads
            csr = tf.raw_ops.SparseMatrixTranspose(input=csr, type=tf.float32)
        return tf.raw_ops.SparseMatrixMatMul(a=csr, b=values)

    @tf.custom_gradient
    def product(values):
        return multiply(values, transposed), lambda up: multiply(up, not transposed)

    return product(values)


def _sorted(edges: tf.Tensor, nodes: tf.Tensor) -> tf.Tensor:
    """Sort edges by source, then target, as a CSR matrix needs them."""
    key = edges[:, 0] * nodes + edges[:, 1]
    return tf.cond(
        tf.reduce_all(key[1:] > key[:-1]),
        lambda: edges,
        lambda: tf.gather(edges, tf.argsort(key)),
    )


@keras.saving.register_keras_serializable(package="ressl_tf")
class GCNConv(keras.layers.Layer):
    """A layer that propagates `features @ kernel` along the edges and adds a bias.

    The kernel starts as Glorot's uniform one, the bias at 0.

    Args:
        inputs: length of a node's features.
        units: length of its outputs.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, inputs: int, units: int, **kwargs):
        super().__init__(**kwargs)
        self.inputs, self.units = inputs, units
        self.kernel = self.add_weight(
            name="kernel", shape=(inputs, units), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.built = True

    def call(self, features, propagate):
        """Map features [nodes, inputs], dense or sparse, to [nodes, units]."""
        kernel = tf.convert_to_tensor(self.kernel)
        if isinstance(features, tf.SparseTensor):
            product = _product(features, kernel)
        else:
            product = tf.matmul(features, kernel)
        return propagate(product) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name, "inputs": self.inputs, "units": self.units}


@keras.saving.register_keras_serializable(package="ressl_tf")
class GCN(ShownShape, keras.layers.Layer):
    """A network from nodes and edges to an embedding of each node.

    Args:
        num_features: length of a node's features.
        widths: units of each layer; the last is the length of an embedding.
        **kwargs: of `keras.layers.Layer`.

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
        self.show_shape()

    @property
    def output_shape(self) -> tuple[int | None, int]:
        """The shape of what `call` returns."""
        return (None, self.widths[-1])

    @property
    def embedding_dim(self) -> int:
        """The length of an embedding."""
        return self.widths[-1]

    @property
    def feature_dim(self) -> int:
        """The same: nodes are evaluated by their embeddings."""
        return self.widths[-1]

    def call(self, inputs, training=False):
        """Embed nodes.

        Args:
            inputs: {"features": float32 [nodes, num_features], dense or a
                `tf.SparseTensor`; "edges": int64 [edges, 2], (source, target), both
                directions of an undirected edge}; other entries are ignored.
            training: whether batch normalisation takes the statistics of these nodes.

        Returns:
            float32 [nodes, widths[-1]], not of unit length.
        """
        values, edges = inputs["features"], tf.cast(inputs["edges"], tf.int64)
        nodes = tf.shape(values, out_type=tf.int64)[0]
        return self.embed(values, Propagation(edges, nodes), training)

    def embed(
        self,
        values: tf.Tensor | tf.SparseTensor,
        propagate: Callable[[tf.Tensor], tf.Tensor],
        training: bool,
    ) -> tf.Tensor:
        """Embed nodes as `call` does, by a propagation that is given.

        Args:
            values: features, as in `call`.
            propagate: multiplies the matrix of `Propagation` by float32 [nodes, dim].
            training: as in `call`.
        """
        for convolution, norm, activation in zip(
            self.convolutions, self.norms, self.activations, strict=True
        ):
            values = convolution(values, propagate=propagate)
            values = norm(values, training=training)
            values = activation(values)
        return values

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "name": self.name,
            "num_features": self.num_features,
            "widths": self.widths,
        }
