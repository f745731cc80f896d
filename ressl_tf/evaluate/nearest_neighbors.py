"""Weighted k-nearest-neighbour classification of features, exact."""

import numpy as np
import tensorflow as tf


def neighbours(
    bank: np.ndarray, queries: np.ndarray, k: int, block: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k most similar bank features of every query, the most similar first.

    Args:
        bank: [n, f], of any length; similarity is the cosine.
        queries: [m, f].
        k: Number of neighbours; the whole bank where it holds fewer.
        block: Queries at a time, which bounds memory to block * n.

    Returns:
        Similarities [m, k], float32, and indices into the bank [m, k].
    """
    bank, k = _unit(bank), min(k, len(bank))
    found = [
        _nearest(_unit(queries[i : i + block]), bank, k)
        for i in range(0, len(queries), block)
    ]
    similarities, indices = zip(*found, strict=True)
    return np.concatenate(similarities), np.concatenate(indices)


@tf.function(reduce_retracing=True)
def _nearest(queries, bank, k):
    return tf.math.top_k(tf.matmul(queries, bank, transpose_b=True), k)


def votes(
    similarities: np.ndarray, labels: np.ndarray, classes: int, temperature: float
) -> np.ndarray:
    """Sum the votes for every class, each neighbour's weighted by exp(similarity / T).

    Args:
        similarities: Similarities of the neighbours, [m, k].
        labels: Labels of the neighbours, [m, k], 0 and up.
        classes: Number of classes.
        temperature: T.

    Returns:
        float32 [m, classes].

    Reference: Wu et al., Instance Discrimination (CVPR 2018), Sec. 3.4.
    """
    # Minus the largest: a small T would overflow. The order of the votes stays.
    weights = np.exp((similarities - similarities[:, :1]) / temperature)
    cells = classes * np.arange(len(labels))[:, None] + labels
    counted = np.bincount(cells.ravel(), weights.ravel(), len(labels) * classes)
    return counted.reshape(len(labels), classes).astype(np.float32)


def accuracy(
    bank: np.ndarray,
    bank_labels: np.ndarray,
    queries: np.ndarray,
    query_labels: np.ndarray,
    *,
    k: int = 200,
    temperature: float = 0.1,
) -> float:
    """Return the fraction of queries whose class wins; labels below 0 do not count.

    Args:
        bank: [n, f].
        bank_labels: [n].
        queries: [m, f].
        query_labels: [m].
        k: Neighbours that vote.
        temperature: T.
    """
    labelled, counted = bank_labels >= 0, query_labels >= 0
    similarities, indices = neighbours(bank[labelled], queries[counted], k)
    labels = bank_labels[labelled][indices]
    predicted = votes(similarities, labels, labels.max() + 1, temperature).argmax(1)
    return float(np.mean(predicted == query_labels[counted]))


def _unit(features):
    return tf.math.l2_normalize(tf.constant(features, tf.float32), axis=-1)
