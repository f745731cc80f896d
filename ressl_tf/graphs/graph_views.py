"""Random views of a graph: masked features, dropped edges, sampled anchors.

All functions are stateless: the same seed gives the same sample.
"""

from typing import TypeAlias

import tensorflow as tf

Features: TypeAlias = tf.Tensor | tf.SparseTensor


def mask_features(features: Features, p: float, seed: tf.Tensor) -> Features:
    """Set each whole column to 0 with probability `p`.

    Args:
        features: float32 [nodes, features], dense or sparse.
        p: 0 for none.
        seed: int32 [2].
    """
    drawn = tf.random.stateless_uniform([features.shape[-1]], seed)
    kept = tf.cast(drawn >= p, tf.float32)  # [features]
    if isinstance(features, tf.SparseTensor):
        values = features.values * tf.gather(kept, features.indices[:, 1])
        return tf.SparseTensor(features.indices, values, features.dense_shape)
    return features * kept


def drop_edges(edges: tf.Tensor, p: float, seed: tf.Tensor) -> tf.Tensor:
    """Drop each directed edge with probability `p`; the rest stay in order.

    Args:
        edges: int64 [edges, 2].
        p: 0 for none.
        seed: int32 [2].
    """
    drawn = tf.random.stateless_uniform([tf.shape(edges)[0]], seed)
    return tf.boolean_mask(edges, drawn >= p)


def anchor_weights(degrees: tf.Tensor, alpha: float, beta: float) -> tf.Tensor:
    """Return the weights by which anchors are sampled; nodes of few edges weigh more.

        min(1, alpha^log(degree + 1) + beta)

    Args:
        degrees: [nodes].
        alpha: within 0..1; 1 for no difference.
        beta: weight that every node has.

    Returns:
        float32 [nodes], not normalised.

    Reference: Lee et al., RGRL (CIKM 2022).
    """
    logs = tf.math.log(tf.cast(degrees, tf.float32) + 1.0)
    return tf.minimum(1.0, tf.pow(tf.constant(alpha, tf.float32), logs) + beta)


def sample_nodes(weights: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Sample nodes without replacement, in proportion to the weights of those left.

    Args:
        weights: float32 [nodes], above 0.
        count: number of nodes to sample.
        seed: int32 [2].

    Returns:
        int32 [count], in the order of sampling.

    Reference: Gumbel top-k; Kool et al., Stochastic Beams (ICML 2019), Sec. 2.3.
    """
    uniform = tf.random.stateless_uniform(tf.shape(weights), seed, minval=1e-20)
    gumbel = -tf.math.log(-tf.math.log(uniform))
    return tf.math.top_k(tf.math.log(weights) + gumbel, k=count).indices
