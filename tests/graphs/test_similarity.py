"""Similarity search against brute force."""

import numpy as np
import pytest

from ressl_tf.graphs import similarity


def brute_force(embeddings, labels, k):
    fractions = []
    for i, one in enumerate(embeddings):
        cosines = embeddings @ one / np.linalg.norm(embeddings, axis=1)
        order = [j for j in np.argsort(-cosines) if j != i and labels[j] >= 0]
        if labels[i] >= 0:
            fractions.append(np.mean(labels[order[:k]] == labels[i]))
    return np.mean(fractions)


def test_similarity_search_against_brute_force():
    generator = np.random.default_rng(2)
    labels = generator.integers(-1, 3, 60)
    embeddings = generator.normal(size=(60, 5)) + 2 * np.eye(5)[labels]
    embeddings *= generator.uniform(0.1, 9, (60, 1))  # the length says nothing
    found = similarity.same_class_fraction(embeddings.astype(np.float32), labels)
    assert set(found) == {5, 10}
    for k, fraction in found.items():
        assert fraction == pytest.approx(brute_force(embeddings, labels, k), abs=1e-6)


def test_a_node_is_not_its_own_neighbour_even_among_its_equals():
    """Five embeddings are the same: which of them comes first is chance."""
    embeddings = np.ones((5, 2), np.float32)
    labels = np.array([0, 0, 0, 0, 1])
    found = similarity.same_class_fraction(embeddings, labels, (4,))
    assert found[4] == pytest.approx((4 * 3 / 4 + 0) / 5)
