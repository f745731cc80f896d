"""Similarity search: the fraction of nearest neighbours of the same class."""

from collections.abc import Sequence

import numpy as np

from ressl_tf.evaluate.nearest_neighbors import neighbours

BLOCK_BYTES = 256 * 2**20  # of similarities in memory at a time


def same_class_fraction(
    embeddings: np.ndarray, labels: np.ndarray, counts: Sequence[int] = (5, 10)
) -> dict[int, float]:
    """Return Sim@k: the fraction of the k nearest neighbours with the query's label.

    Args:
        embeddings: [n, d], of any length; they are compared by cosine.
        labels: [n], below 0 for none: those are neither queries nor neighbours.
        counts: values of k; all neighbours where there are fewer.

    Returns:
        k -> mean over the queries.

    Reference: Lee et al., Augmentation-Free SSL on Graphs (AAAI 2022), Sec. 5.2.
    """
    labelled = labels >= 0
    embeddings, labels = embeddings[labelled], labels[labelled]
    block = max(1, BLOCK_BYTES // (4 * len(labels)))
    _, found = neighbours(embeddings, embeddings, max(counts) + 1, block)
    # A query is not always its first neighbour: other embeddings may equal it.
    itself = found == np.arange(len(found))[:, None]
    itself[~itself.any(axis=1), -1] = True
    nearest = labels[found[~itself].reshape(len(found), -1)]
    same = nearest == labels[:, None]
    return {k: float(same[:, :k].mean()) for k in counts}
