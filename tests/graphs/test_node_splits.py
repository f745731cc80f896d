"""Splits of labelled nodes."""

import numpy as np

from ressl_tf.graphs.node_splits import node_splits


def test_splits_hold_all_nodes_that_have_a_label():
    labels = np.zeros(107, int)
    labels[[3, 50]] = -1
    splits = node_splits(labels, 20, seed=0)
    for split in splits:
        parts = (split.train, split.validation, split.test)
        assert [len(part) for part in parts] == [11, 10, 84]  # of 105
        together = np.concatenate(parts)
        np.testing.assert_array_equal(np.sort(together), np.flatnonzero(labels == 0))
    assert len({tuple(sorted(split.train)) for split in splits}) == 20


def test_splits_are_those_of_the_seed_however_many():
    labels = np.zeros(50, int)
    first, longer, other = (
        node_splits(labels, count, seed) for count, seed in ((3, 0), (5, 0), (3, 1))
    )
    for mine, same, unlike in zip(first, longer, other, strict=False):
        np.testing.assert_array_equal(mine.test, same.test)
        np.testing.assert_array_equal(mine.train, same.train)
        assert not np.array_equal(mine.test, unlike.test)


def test_every_node_is_tested_as_often():
    splits = node_splits(np.zeros(30, int), 500, seed=0)
    counts = np.bincount(np.concatenate([split.test for split in splits]))
    assert np.abs(counts - 400).max() < 45  # 5 standard deviations of the binomial
