"""Where images lie by their features: maps, nearest neighbours, clusters."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ressl_tf.evaluate.nearest_neighbors import neighbours, others
from ressl_tf.evaluate.plots.projection import project
from ressl_tf.evaluate.report import packed
from ressl_tf.evaluate.vectors import unit_rows
from ressl_tf.runtime.errors import RunError, UsageError

log = logging.getLogger("ressl_tf")
NEIGHBOURS = 20  # the most that vote; eight are shown
CLUSTERS = 8
ITERATIONS = 500  # of t-SNE
FEWEST = 4  # for t-SNE and UMAP


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The nearest other images of each.

    Attributes:
        rows: int [n, k], the nearest first.
        similarities: cosines, [n, k].
    """

    rows: np.ndarray
    similarities: np.ndarray


def nearest(features: np.ndarray) -> Neighbours:
    """Find the nearest other images of each, k = 20 or all others."""
    similarities, rows = neighbours(features, features, NEIGHBOURS + 1)
    kept = others(rows, np.arange(len(rows)))
    shape = (len(rows), rows.shape[1] - 1)
    return Neighbours(rows[kept].reshape(shape), similarities[kept].reshape(shape))


def maps(
    features: np.ndarray, methods: Sequence[str], seed: int
) -> tuple[list[dict[str, Any]], str]:
    """Project features to the plane in each way.

    Returns:
        Maps with "name", "axes" and "points", and why there is none or one less.
    """
    made, reason = [], ""
    for method in methods:
        if method != "pca" and len(features) < FEWEST:
            continue
        try:
            plane = project(features, method, seed=seed, iterations=ITERATIONS)
        except (RunError, UsageError) as error:
            reason = str(error)
            continue
        points = packed.floats(plane.points)
        made.append({"name": plane.name, "axes": plane.axes, "points": points})
    return made, reason


def clusters(features: np.ndarray, seed: int) -> np.ndarray:
    """Group the unit features by k-means into 8 clusters, fewer for few images.

    Returns:
        int [n].
    """
    from sklearn.cluster import KMeans  # takes seconds to import

    unit = unit_rows(features)
    distinct = len(np.unique(unit.round(4), axis=0))
    count = min(CLUSTERS, distinct, max(1, len(features) // 5))
    return KMeans(count, n_init=1, random_state=seed).fit_predict(unit)
