"""Edges that are held out: which they are, and that nothing of them stays."""

import numpy as np
import pytest

from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import hold_out_edges, non_edges
from ressl_tf.runtime.errors import UsageError


def graph(nodes=40, edges=150, seed=0):
    generator = np.random.default_rng(seed)
    pairs = generator.integers(nodes, size=(edges, 2))
    features = generator.normal(size=(nodes, 3))
    return Graph.from_edges(features, pairs, np.arange(nodes) % 3, "abc")


def as_set(pairs):
    return {tuple(pair) for pair in pairs.tolist()}


def test_held_out_edges_are_gone_in_both_directions_and_the_others_stay():
    whole = graph()
    before = whole.edges.copy()
    smaller, positive, _ = hold_out_edges(whole, 0.2, seed=1)
    both = as_set(positive) | as_set(positive[:, ::-1])
    assert len(positive) == round(0.2 * len(whole.edges) / 2)
    assert len(both) == 2 * len(positive)
    assert both | as_set(smaller.edges) == as_set(whole.edges)
    assert not both & as_set(smaller.edges)
    assert smaller.features is whole.features
    assert smaller.labels is whole.labels
    assert smaller.label_names == whole.label_names
    np.testing.assert_array_equal(whole.edges, before)


def test_pairs_without_an_edge_are_of_the_whole_graph():
    whole = graph()
    _, positive, negative = hold_out_edges(whole, 0.3, seed=0)
    assert negative.shape == positive.shape
    assert negative.dtype == np.int64
    assert len(as_set(negative)) == len(negative)
    assert not as_set(negative) & as_set(whole.edges)
    assert np.all(negative[:, 0] < negative[:, 1])


def test_the_same_seed_holds_out_the_same_edges_and_another_others():
    first, again, other = (hold_out_edges(graph(), 0.2, seed) for seed in (3, 3, 4))
    for part in (1, 2):
        np.testing.assert_array_equal(first[part], again[part])
        assert as_set(first[part]) != as_set(other[part])


def test_every_pair_without_an_edge_is_as_likely():
    """Five nodes, three edges: seven pairs; chi-square with 6 degrees below 22.5."""
    small = Graph.from_edges(np.eye(5), np.array([[0, 1], [1, 2], [0, 4]]))
    drawn = np.concatenate([non_edges(small, 1, (seed, 1)) for seed in range(1400)])
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 7
    assert np.sum((counts - 200) ** 2 / 200) < 22.5  # p = 0.001


def test_all_pairs_of_a_dense_graph_are_found_and_more_are_refused():
    pairs = np.stack(np.triu_indices(6, 1), axis=1)
    dense = Graph.from_edges(np.eye(6), pairs[:-2])
    assert as_set(non_edges(dense, 2, (0, 1))) == as_set(pairs[-2:])
    with pytest.raises(UsageError, match=r"needs 3 pairs .* Received: a graph with 2"):
        hold_out_edges(dense, 0.25, seed=0)


def test_a_graph_without_edges_has_none_to_hold_out():
    with pytest.raises(UsageError, match="a graph that has none"):
        hold_out_edges(Graph.from_edges(np.eye(3), np.zeros([0, 2], int)), 0.1, 0)
