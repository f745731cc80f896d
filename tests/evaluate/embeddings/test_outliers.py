"""Mean similarity to neighbours against a sort of all similarities."""

import numpy as np
from helpers.embedding import unit

from ressl_tf.evaluate.embeddings import outliers


def test_the_row_itself_does_not_count(monkeypatch):
    monkeypatch.setattr(outliers, "BLOCK", 7)
    features = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    features[4] = features[9]  # equal rows: itself is not always first
    similarities = unit(features) @ unit(features).T
    np.fill_diagonal(similarities, -np.inf)
    wanted = -np.sort(-similarities, axis=1)[:, :3].mean(axis=1)
    np.testing.assert_allclose(
        outliers.neighbour_similarity(features, 3), wanted, atol=1e-5
    )


def test_more_neighbours_than_rows():
    features = np.eye(3, dtype=np.float32)
    assert outliers.neighbour_similarity(features, 20).tolist() == [0, 0, 0]
