"""Similarity search: how many of the nearest are of the same class."""

from collections.abc import Sequence

import numpy as np

from ressl_tf.evaluate.nearest_neighbors import neighbours

BLOCK_BYTES = 256 * 2**20  # of similarities that are held at a time


def same_class_fraction(
    embeddings: np.ndarray, labels: np.ndarray, counts: Sequence[int] = (5, 10)
) -> dict[int, float]:
    """Sim@k: the share of the k nearest others that have the label of the query.

    Args:
        embeddings: [n, d], of any length; near is the cosine.
        labels: [n], below 0 for none: those are neither asked nor found.
        counts: values of k; where there are fewer others, all of them.

    Returns:
        k -> mean over the queries.

    Reference: Lee et al., Augmentation-Free SSL on Graphs (AAAI 2022), Sec. 5.2.
    """
    labelled = labels >= 0
    embeddings, labels = embeddings[labelled], labels[labelled]
    block = max(1, BLOCK_BYTES // (4 * len(labels)))
    _, found = neighbours(embeddings, embeddings, max(counts) + 1, block)
    # Itself is not always the first: others may be the same as it.
    itself = found == np.arange(len(found))[:, None]
    itself[~itself.any(axis=1), -1] = True
    nearest = labels[found[~itself].reshape(len(found), -1)]
    same = nearest == labels[:, None]
    return {k: float(same[:, :k].mean()) for k in counts}
