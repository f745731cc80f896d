"""Masked features, dropped edges and anchors, by their probabilities."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.graphs import graph_views


def test_features_are_masked_by_column_alike_in_dense_and_sparse():
    values = np.random.default_rng(0).uniform(1, 2, (6, 4000)).astype("float32")
    seed = tf.constant([1, 2])
    masked = graph_views.mask_features(tf.constant(values), 0.3, seed).numpy()
    gone = (masked == 0).all(axis=0)
    np.testing.assert_array_equal(masked, np.where(gone, 0, values))
    assert gone.mean() == pytest.approx(0.3, abs=4 * (0.21 / 4000) ** 0.5)
    sparse = graph_views.mask_features(tf.sparse.from_dense(values), 0.3, seed)
    np.testing.assert_array_equal(tf.sparse.to_dense(sparse), masked)
    whole = graph_views.mask_features(tf.constant(values), 0.0, seed)
    np.testing.assert_array_equal(whole, values)


def test_edges_are_dropped_one_direction_at_a_time():
    edges = tf.stack([tf.range(8000, dtype=tf.int64)] * 2, axis=1)
    kept = graph_views.drop_edges(edges, 0.4, tf.constant([3, 4])).numpy()
    assert len(kept) / 8000 == pytest.approx(0.6, abs=4 * (0.24 / 8000) ** 0.5)
    assert np.all(np.diff(kept[:, 0]) > 0)
    whole = graph_views.drop_edges(edges, 0.0, tf.constant([3, 4]))
    np.testing.assert_array_equal(whole, edges)


def test_anchors_are_drawn_by_their_weights_without_replacement():
    """Chi-square over ordered pairs of the first two draws: 30 cells, 29 free."""
    degrees, alpha, beta, draws = [0, 1, 2, 5, 20, 300], 0.5, 0.1, 20_000
    weights = graph_views.anchor_weights(tf.constant(degrees), alpha, beta)
    expected = np.minimum(1, alpha ** np.log(np.array(degrees) + 1.0) + beta)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)

    @tf.function
    def pairs():
        seeds = tf.stack([tf.range(draws), tf.fill([draws], 5)], axis=1)
        return tf.map_fn(
            lambda seed: graph_views.sample_nodes(weights, 2, seed), seeds, tf.int32
        )

    first, second = pairs().numpy().T
    counts = np.zeros((6, 6))
    np.add.at(counts, (first, second), 1)
    p = expected / expected.sum()
    chances = p[:, None] * p[None, :] / (1 - p[:, None])
    apart = ~np.eye(6, dtype=bool)
    assert counts[~apart].sum() == 0
    wanted = draws * chances[apart]
    square = ((counts[apart] - wanted) ** 2 / wanted).sum()
    assert square < 58.3  # of which chance gives more once in a thousand times
