"""Groups of near-duplicates against a comparison of all pairs."""

import numpy as np
import pytest
from helpers.embedding import unit

from ressl_tf.evaluate.embeddings import duplicates


@pytest.fixture
def planted():
    """Return 60 rows of which some are copies with a little noise."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(60, 16))
    for copy, original in ((10, 3), (50, 3), (40, 41), (59, 0), (58, 59)):
        rows[copy] = rows[original] + 0.02 * generator.normal(size=16)
    return rows.astype(np.float32)


def test_groups_are_around_those_with_the_most_links(planted, monkeypatch):
    for block, links in (((2048, 8192), 10**6), ((7, 11), 2)):
        monkeypatch.setattr(duplicates, "BLOCK", block)
        monkeypatch.setattr(duplicates, "LINKS", links)
        found = duplicates.duplicate_groups(3 * planted, 0.98)
        assert [sorted(group.tolist()) for group in found] == [
            [0, 58, 59],
            [3, 10, 50],
            [40, 41],
        ]
        for group in found:
            similarities = duplicates.similarities_to_first(planted, group)
            wanted = unit(planted[group]) @ unit(planted[group])[0]
            np.testing.assert_allclose(similarities, wanted, atol=1e-5)
            assert np.all(np.diff(similarities) <= 1e-6)


def test_a_chain_is_no_group():
    angles = np.radians([0, 10, 20, 30, 40, 50, 60])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    joined = duplicates.joined_rows(duplicates.similar_pairs(features, 0.98), 7)
    assert [rows.tolist() for rows in joined] == [[0, 1, 2, 3, 4, 5, 6]]
    found = duplicates.duplicate_groups(features, 0.98)  # 11.5 degrees
    assert [sorted(group.tolist()) for group in found] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [group[0] for group in found] == [1, 3, 5]


def test_pairs_are_those_above_the_threshold(planted, monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK", (7, 11))
    found = np.concatenate(list(duplicates.similar_pairs(planted, 0.3)))
    similarities = np.triu(unit(planted) @ unit(planted).T, 1)
    wanted = np.argwhere(similarities >= 0.3)
    assert sorted(map(tuple, found)) == sorted(map(tuple, wanted))
