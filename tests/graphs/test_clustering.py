"""Agreement of clusters and classes."""

import numpy as np
import pytest

from ressl_tf.graphs import clustering


def test_clusters_that_are_the_classes_agree_whatever_their_numbers():
    generator = np.random.default_rng(0)
    labels = np.repeat([2, 0, 1, -1], 20)
    corners = np.array([[0, 1], [1, 0], [-1, -1], [5, 5]])  # of 0, 1, 2 and -1
    points = corners[labels] + 0.05 * generator.normal(size=(80, 2))
    points *= generator.uniform(0.1, 30, (80, 1))  # undone by the unit length
    found = clustering.agreement(points, labels, runs=2)
    assert found == {"nmi": pytest.approx(1), "ari": pytest.approx(1)}


def test_clusters_against_figures_by_hand():
    """Clusters (0, 1), (2, 3) of classes aabb are right, of abab independent."""
    points = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    found = clustering.agreement(points, np.array([0, 1, 0, 1]), runs=1)
    # Of four pairs that are apart in classes or clusters: index 0, expected 2 * 2 / 6,
    # largest 2: (0 - 2 / 3) / (2 - 2 / 3).
    assert found == {"nmi": pytest.approx(0, abs=1e-9), "ari": pytest.approx(-0.5)}
    found = clustering.agreement(points, np.array([0, 0, 1, 1]), runs=1)
    assert found == {"nmi": pytest.approx(1), "ari": pytest.approx(1)}
