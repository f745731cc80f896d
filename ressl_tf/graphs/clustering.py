"""Agreement of clusters of embeddings with the classes."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from ressl_tf.evaluate.vectors import unit_rows


def agreement(
    embeddings: np.ndarray, labels: np.ndarray, *, runs: int = 10, seed: int = 0
) -> dict[str, float]:
    """Cluster unit embeddings by k-means and compare the clusters with the classes.

    There are as many clusters as classes.

    Args:
        embeddings: [n, d], of any length.
        labels: [n], below 0 for none: those nodes are left out.
        runs: number of runs of k-means, each the best of ten starts; the figures are
            their mean.
        seed: of the first run.

    Returns:
        "nmi", normalised mutual information (arithmetic mean of the entropies), and
        "ari", the adjusted Rand index; 1 for the same partition, about 0 by chance.
    """
    embeddings, labels = embeddings[labels >= 0], labels[labels >= 0]
    unit = unit_rows(embeddings)
    figures = []
    with threadpool_limits(1):  # its sums are then the same in every run
        for run in range(runs):
            means = KMeans(len(np.unique(labels)), n_init=10, random_state=seed + run)
            clusters = means.fit_predict(unit)
            nmi = normalized_mutual_info_score(labels, clusters)
            figures.append((nmi, adjusted_rand_score(labels, clusters)))
    nmi, ari = np.mean(figures, axis=0)
    return {"nmi": float(nmi), "ari": float(ari)}
