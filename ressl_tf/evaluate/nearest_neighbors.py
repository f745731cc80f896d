"""Weighted k-nearest-neighbour classification of features, exact."""

import numpy as np
import tensorflow as tf

BANK_BYTES = 2**28  # of a block of the bank
BANK_ROWS = 2**17  # of it at most: 0.5 GB of similarities to 1024 queries


def neighbours(
    bank: np.ndarray,
    queries: np.ndarray,
    k: int,
    block: int = 1024,
    bank_bytes: int = BANK_BYTES,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k most similar bank features of every query, the most similar first.

    Of equal ones, the first in the bank comes first. The bank may be mapped from the
    disk: it is read in blocks, once for all queries.

    Args:
        bank: [n, f], of any length; similarity is the cosine.
        queries: [m, f].
        k: Number of neighbours; the whole bank where it holds fewer.
        block: Queries at a time.
        bank_bytes: Bytes of a block of the bank, as float32.

    Returns:
        Similarities [m, k], float32, and indices into the bank [m, k]. Beside them,
        memory holds a block of the bank and `block` times its rows.
    """
    rows = min(max(1, bank_bytes // (4 * bank.shape[1])), BANK_ROWS)
    k = min(k, len(bank))
    unit_queries = [
        _unit(queries[i : i + block]) for i in range(0, len(queries), block)
    ]
    found: list[tuple[tf.Tensor, tf.Tensor] | None] = [None] * len(unit_queries)
    for start in range(0, len(bank), rows):
        some = _unit(bank[start : start + rows])
        for i, query in enumerate(unit_queries):
            similarities, indices = _nearest(query, some, min(k, len(some)))
            found[i] = _merged(found[i], similarities, indices + start, k)
    done = [pair for pair in found if pair is not None]
    similarities, indices = (np.concatenate(parts) for parts in zip(*done, strict=True))
    return similarities, indices


def _merged(before, similarities, indices, k):
    """Return the k most similar of those before and those of another block."""
    if before is None:
        return similarities, indices
    similarities = tf.concat([before[0], similarities], axis=1)
    indices = tf.concat([before[1], indices], axis=1)
    values, places = tf.math.top_k(similarities, min(k, similarities.shape[1]))
    return values, tf.gather(indices, places, batch_dims=1)


@tf.function(reduce_retracing=True)
def _nearest(queries, bank, k):
    return tf.math.top_k(tf.matmul(queries, bank, transpose_b=True), k)


def others(indices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Mark neighbours other than the row itself: all of a row but one, bool [m, k].

    Args:
        indices: of the neighbours, [m, k], the nearest first.
        rows: [m], those whose neighbours they are; where one is not among its own, a
            copy of it came first and the last neighbour is left out.
    """
    marked = indices != rows[:, None]
    marked[marked.all(axis=1), -1] = False
    return marked


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
    return tf.math.l2_normalize(tf.constant(np.asarray(features, np.float32)), axis=-1)
