"""Top-k, per-class accuracy and confusion, counted by hand."""

import numpy as np
import pytest

from ressl_tf.evaluate import scores


def test_ranks_equal_a_stable_sort():
    generator = np.random.default_rng(0)
    values = generator.integers(0, 4, (200, 6)).astype(float)  # many ties
    labels = generator.integers(0, 6, 200)
    order = np.argsort(-values, axis=1, kind="stable")
    expected = [
        list(row).index(label) for row, label in zip(order, labels, strict=True)
    ]
    np.testing.assert_array_equal(scores.ranks(values, labels), expected)
    hits = scores.ranks(values, labels) == 0
    np.testing.assert_array_equal(hits, values.argmax(axis=1) == labels)


def test_report_by_hand():
    """Class a is right twice of three, b never, c has no image."""
    values = np.array([[9, 1, 0], [9, 1, 0], [1, 9, 0], [0, 1, 9]], float)
    figures = scores.report(values, np.array([0, 0, 0, 1]), ["a", "b", "c"])
    assert figures["top1"] == pytest.approx(0.5)
    assert figures["top5"] == 1.0
    assert figures["per_class"] == {"a": pytest.approx(2 / 3), "b": 0.0, "c": None}
    assert figures["confusion"] == [[2, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert figures["images"] == 4


def test_top5_counts_the_fifth_place_and_not_the_sixth():
    values = np.arange(7.0)[None].repeat(2, axis=0)  # class 6 is first
    figures = scores.report(values, np.array([2, 1]), list("abcdefg"))
    assert figures["top5"] == 0.5
