"""Scores of links, by hand."""

import numpy as np
import pytest

from ressl_tf.graphs import link_prediction


def test_auc_and_average_precision_by_hand():
    """Order of the scores: + - + -. Three of four pairs are right."""
    area, precision = link_prediction.auc_and_ap(
        np.array([0.9, 0.3]), np.array([0.5, 0.1])
    )
    assert area == pytest.approx(3 / 4)
    assert precision == pytest.approx((1 + 2 / 3) / 2)


def test_cosines_of_pairs():
    embeddings = np.array([[3.0, 4.0], [0.6, 0.8], [-4.0, 3.0], [0.0, 0.0]])
    pairs = np.array([[0, 1], [0, 2], [1, 3]])
    np.testing.assert_allclose(
        link_prediction.cosines(embeddings, pairs), [1, 0, 0], atol=1e-12
    )


def test_products_find_an_edge_rule_that_the_cosine_does_not():
    """Edges join nodes of the same sign in one entry out of eight."""
    generator = np.random.default_rng(0)
    embeddings = generator.choice([-1.0, 1.0], (60, 8))
    pairs = generator.integers(60, size=(800, 2))
    same = embeddings[pairs[:, 0], 3] == embeddings[pairs[:, 1], 3]
    training = pairs[:400][same[:400]], pairs[:400][~same[:400]]
    queries, right = pairs[400:], same[400:]
    scores = link_prediction.hadamard_scores(embeddings, training, queries)
    assert link_prediction.auc_and_ap(scores[right], scores[~right])[0] > 0.99
    plain = link_prediction.cosines(embeddings, queries)
    assert link_prediction.auc_and_ap(plain[right], plain[~right])[0] < 0.8
