"""What RGRL is made of, each against dense NumPy or its own probabilities."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_rgrl as reference

import ressl_tf
from ressl_tf import losses
from ressl_tf.graphs import diffusion, graph_views
from ressl_tf.graphs.gcn import GCN, Propagation
from ressl_tf.runtime.errors import UsageError


def random_graph(nodes=30, edges=45):
    """The last node has no edge."""
    generator = np.random.default_rng(1)
    ends = generator.integers(0, nodes - 1, (edges, 2))
    return ressl_tf.Graph.from_edges(generator.normal(size=(nodes, 7)), ends)


def test_propagation_is_by_the_edges_into_a_node():
    """On directed edges too, as they are when some are dropped, in any order."""
    graph = random_graph()
    edges = graph.edges[np.random.default_rng(2).permutation(len(graph.edges))[:50]]
    propagate = Propagation(tf.constant(edges), tf.constant(30, tf.int64))
    dense = reference.normalized(reference.adjacency(edges, 30))
    values = tf.constant(graph.features)
    np.testing.assert_allclose(propagate(values), dense @ graph.features, atol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = tf.reduce_sum(propagate(values) ** 2)
    expected = 2 * dense.T @ dense @ graph.features
    np.testing.assert_allclose(tape.gradient(loss, values), expected, atol=1e-5)


def test_sparse_features_and_a_traced_call_of_any_size_give_the_same():
    graph, network = random_graph(), GCN(7, (6, 5, 4))
    features = np.where(graph.features > 1, graph.features, 0)
    plain = network({"features": features, "edges": graph.edges})
    assert plain.shape == (30, 4)
    sparse = {"features": tf.sparse.from_dense(features), "edges": graph.edges}
    np.testing.assert_allclose(network(sparse), plain, atol=1e-6)
    signature = {
        "features": tf.TensorSpec([None, 7], tf.float32),
        "edges": tf.TensorSpec([None, 2], tf.int64),
    }
    traced = tf.function(network, input_signature=[signature])
    given = {"features": features, "edges": graph.edges}
    np.testing.assert_allclose(traced(given), plain, atol=1e-6)
    copy = GCN.from_config(network.get_config())
    assert [v.shape for v in copy.variables] == [v.shape for v in network.variables]


def test_a_gcn_without_layers_is_refused():
    for features, widths in ((0, (4,)), (3, ()), (3, (4, 0))):
        with pytest.raises(UsageError, match="at least one layer"):
            GCN(features, widths)


def test_diffusion_exact_and_pushed_is_the_power_series():
    graph = random_graph()
    expected = reference.diffusion(reference.adjacency(graph.edges, 30))
    looped = diffusion.with_self_loops(graph.edges, 30)
    np.testing.assert_allclose(diffusion.exact(looped), expected, atol=1e-9)
    rows = np.array([3, 29, 0])
    pushed = diffusion.push(looped, rows, error=1e-13).toarray()
    np.testing.assert_allclose(pushed, expected[rows], atol=1e-9)
    coarse = diffusion.push(looped, rows, error=1e-2).toarray()
    assert np.all(coarse <= expected[rows] + 1e-12)
    assert 1e-4 < np.abs(coarse - expected[rows]).max() < 0.05


@pytest.mark.parametrize("exact_max_nodes", [30, 0])
def test_nearest_nodes_are_the_largest_entries_and_the_node_first(
    exact_max_nodes, monkeypatch
):
    monkeypatch.setattr(diffusion, "PUSH_ERROR", 1e-9)
    monkeypatch.setattr(diffusion, "PUSH_ROWS", 7)
    graph = random_graph()
    found = diffusion.nearest_nodes(graph.edges, 30, 4, exact_max_nodes)
    entries = reference.diffusion(reference.adjacency(graph.edges, 30))
    np.testing.assert_array_equal(found[:, 0], np.arange(30))
    for node in range(29):
        others = np.delete(entries[node], node)
        best = np.sort(others)[::-1][:3]
        reached = best > 1e-12
        chosen = entries[node, found[node, 1:]]
        np.testing.assert_allclose(chosen[reached], best[reached], atol=1e-6)
        assert np.all(found[node, 1:][~reached] == node)
    np.testing.assert_array_equal(found[29], [29] * 4)  # it reaches no other
    assert found.dtype == np.int32


@pytest.mark.parametrize("exact_max_nodes", [5, 0])
def test_a_small_component_is_filled_up_by_the_node_itself(exact_max_nodes):
    edges = ressl_tf.Graph.from_edges(np.ones((5, 1)), [[0, 1], [2, 3]]).edges
    found = diffusion.nearest_nodes(edges, 5, 3, exact_max_nodes)
    expected = [[0, 1, 0], [1, 0, 1], [2, 3, 2], [3, 2, 3], [4, 4, 4]]
    np.testing.assert_array_equal(found, expected)


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
            lambda seed: graph_views.draw_nodes(weights, 2, seed), seeds, tf.int32
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


def test_divergence_is_the_mean_of_the_rows_that_count():
    generator = np.random.default_rng(0)
    teacher, student = generator.normal(size=(2, 5, 4)).astype("float32")
    rows = reference.divergence(teacher.astype("float64"), student)
    assert float(losses.divergence(teacher, student)) == pytest.approx(rows.mean())
    some = tf.constant([True, False, True, False, False])
    mean = float(losses.divergence(teacher, student, some))
    assert mean == pytest.approx(rows[[0, 2]].mean())
    assert float(losses.divergence(teacher, student, tf.zeros(5, tf.bool))) == 0.0
    assert float(losses.divergence(teacher, teacher)) == pytest.approx(0, abs=1e-6)
