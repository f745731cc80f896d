"""Approximate search: exact similarities, and a recall that is counted."""

import numpy as np
import pytest
from helpers.embedding import unit

from ressl_tf.evaluate.embeddings import approximate
from ressl_tf.evaluate.nearest_neighbors import neighbours

pytest.importorskip("usearch")


def test_near_rows_with_their_exact_similarities():
    features = np.random.default_rng(0).normal(size=(2500, 8)).astype(np.float32)
    odd = np.zeros(features.nbytes + 1, np.uint8)[1:].view(np.float32)  # as in a zip
    odd = odd.reshape(features.shape)
    odd[:] = features
    assert not odd.flags.aligned
    index = approximate.ApproximateIndex(odd)
    similarities, rows = index.neighbours(odd[:3], 5)
    wanted = np.take_along_axis(unit(features[:3]) @ unit(features).T, rows, axis=1)
    np.testing.assert_allclose(similarities, wanted, atol=1e-5)
    assert rows[:, 0].tolist() == [0, 1, 2]
    assert index.recall(5) > 0.9


def test_recall_counts_what_is_missed(monkeypatch):
    features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    index = approximate.ApproximateIndex(features)

    def half(queries, k):
        similarities, rows = neighbours(features, queries, k)
        return similarities, np.where(np.arange(k) % 2, -1, rows)

    monkeypatch.setattr(index, "neighbours", half)
    assert index.recall(4) == 0.5
