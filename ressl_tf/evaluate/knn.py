"""Weighted k-nearest-neighbour classification of features, exact."""

import numpy as np
import tensorflow as tf


def predict(
    bank: np.ndarray,
    bank_labels: np.ndarray,
    queries: np.ndarray,
    *,
    k: int = 200,
    temperature: float = 0.1,
    block: int = 1024,
) -> np.ndarray:
    """Votes of the k most similar bank features, weighted by exp(similarity / T).

    Args:
        bank: [n, f], of any length; similarity is the cosine.
        bank_labels: [n], 0 and up.
        queries: [m, f].
        k: neighbours; all of them where the bank holds fewer.
        temperature: T.
        block: queries at a time, which bounds memory to block * n.

    Returns:
        Labels [m].

    Reference: Wu et al., Instance Discrimination (CVPR 2018), Sec. 3.4.
    """
    bank, queries = _unit(bank), _unit(queries)
    classes, k = int(bank_labels.max()) + 1, min(k, len(bank))
    labels = tf.constant(bank_labels, tf.int32)
    winners = [
        _winners(queries[i : i + block], bank, labels, temperature, k, classes)
        for i in range(0, len(queries), block)
    ]
    return np.concatenate(winners)


@tf.function(reduce_retracing=True)
def _winners(queries, bank, labels, temperature, k, classes):
    similarity, index = tf.math.top_k(tf.matmul(queries, bank, transpose_b=True), k)
    weights = tf.exp(similarity / temperature)  # [block, k]
    count = tf.shape(queries)[0]
    cells = classes * tf.range(count)[:, None] + tf.gather(labels, index)
    votes = tf.math.unsorted_segment_sum(weights, cells, count * classes)
    return tf.argmax(tf.reshape(votes, [count, classes]), axis=-1)


def accuracy(
    bank: np.ndarray,
    bank_labels: np.ndarray,
    queries: np.ndarray,
    query_labels: np.ndarray,
    **options,
) -> float:
    """Share of queries that `predict` labels right; labels below 0 do not count.

    Args:
        bank: [n, f].
        bank_labels: [n].
        queries: [m, f].
        query_labels: [m].
        **options: of `predict`.
    """
    known, asked = bank_labels >= 0, query_labels >= 0
    predicted = predict(bank[known], bank_labels[known], queries[asked], **options)
    return float(np.mean(predicted == query_labels[asked]))


def _unit(features):
    return tf.math.l2_normalize(tf.constant(features, tf.float32), axis=-1)
