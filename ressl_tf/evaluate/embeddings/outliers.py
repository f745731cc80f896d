"""Images that are unlike all others."""

import numpy as np

from ressl_tf.evaluate.nearest_neighbors import neighbours, others

BLOCK = 65536  # rows whose neighbours are held at a time


def neighbour_similarity(features: np.ndarray, k: int) -> np.ndarray:
    """Return the mean similarity of each row to its k nearest others, exactly.

    The lower it is, the more of an outlier the image is.

    Args:
        features: [n, f], n of two or more; similarity is the cosine.
        k: number of neighbours; all others where there are fewer.

    Returns:
        float32 [n].

    Reference: Angiulli and Pizzuti, Fast Outlier Detection in High Dimensional Spaces
    (PKDD 2002), which sums distances.
    """
    means = []
    for start in range(0, len(features), BLOCK):
        queries = features[start : start + BLOCK]
        similarities, indices = neighbours(features, queries, k + 1)
        rows = np.arange(start, start + len(queries))
        means.append(mean_of_others(similarities, indices, rows))
    return np.concatenate(means)


def mean_of_others(
    similarities: np.ndarray, indices: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return the mean similarity to neighbours, without the row itself.

    Args:
        similarities: [m, k + 1], falling.
        indices: [m, k + 1], of the neighbours.
        rows: [m]; where a row is not among its own neighbours, the last of them is
            left out.

    Returns:
        float32 [m], each the mean of k.
    """
    kept = np.where(others(indices, rows), similarities, 0.0)
    return (kept.sum(axis=1) / (similarities.shape[1] - 1)).astype(np.float32)
