"""Greedy k-centre: against a plain loop, and against its bound."""

import itertools

import numpy as np
import pytest
from helpers.embedding import unit

from ressl_tf.evaluate.embeddings import coverage


@pytest.mark.parametrize("held", [0, 2**20])
def test_each_is_the_one_least_covered(held, monkeypatch):
    monkeypatch.setattr(coverage, "HELD", held)
    monkeypatch.setattr(coverage, "BLOCK", 7)
    features = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    rows, covered = coverage.covering_rows(features, 6)
    similarities = unit(features) @ unit(features).T
    assert rows[0] == (unit(features) @ unit(features).mean(axis=0)).argmax()
    for i in range(1, 6):
        nearest = similarities[:, rows[:i]].max(axis=1)
        assert rows[i] == nearest.argmin()
        assert covered[i - 1] == pytest.approx(nearest.min(), abs=1e-5)
    assert len(set(coverage.covering_rows(features, 99)[0])) == 30


def test_the_farthest_is_at_most_twice_as_far_as_it_must_be():
    features = unit(np.random.default_rng(1).normal(size=(14, 3))).astype(np.float32)
    distances = np.linalg.norm(features[:, None] - features, axis=-1)

    def radius(rows):
        return distances[:, list(rows)].min(axis=1).max()

    best = min(radius(rows) for rows in itertools.combinations(range(14), 3))
    assert radius(coverage.covering_rows(features, 3)[0]) <= 2 * best
