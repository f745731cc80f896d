"""Diffusion against dense NumPy."""

import numpy as np
import pytest
from helpers import numpy_rgrl as reference
from helpers.graphs import random_graph

import ressl_tf
from ressl_tf.graphs import diffusion


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


@pytest.mark.parametrize("exact_max_nodes", [30, 0])
def test_of_equally_near_nodes_the_lower_number_is_taken(exact_max_nodes):
    """On a ring, where rounding would choose between the two beside a node."""
    ring = np.random.default_rng(0).permutation(30)
    edges = np.stack([ring, np.roll(ring, 1)], axis=1)
    graph = ressl_tf.Graph.from_edges(np.ones((30, 1)), edges)
    found = diffusion.nearest_nodes(graph.edges, 30, 2, exact_max_nodes)
    beside = np.stack([np.roll(ring, 1), np.roll(ring, -1)]).min(axis=0)
    np.testing.assert_array_equal(found[ring], np.stack([ring, beside], axis=1))
