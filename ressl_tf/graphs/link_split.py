"""Edges that are held out of training, to predict them afterwards."""

import dataclasses

import numpy as np

from ressl_tf.graphs.graph import Graph
from ressl_tf.runtime.errors import UsageError


def hold_out_edges(
    graph: Graph, fraction: float, seed: int
) -> tuple[Graph, np.ndarray, np.ndarray]:
    """Take a fraction of the undirected edges out of a graph, each in both directions.

    The result depends on the arguments alone: training and evaluation find the same
    edges.

    Args:
        graph: is not changed.
        fraction: of the edges; the number is rounded, and at least one.
        seed: of the choice.

    Returns:
        The graph without those edges (all nodes stay); the edges that were taken out,
        int64 [m, 2], the smaller node first; and as many pairs of nodes, uniform among
        those that no edge joins.

    Raises:
        UsageError: there is no edge, or there are fewer such pairs.

    Reference: Kipf and Welling, Variational Graph Auto-Encoders (2016), Sec. 2.
    """
    pairs = undirected(graph.edges)
    if not len(pairs):
        raise UsageError("edges cannot be held out of a graph that has none")
    count = max(1, round(fraction * len(pairs)))
    chosen = np.random.default_rng((seed, 0)).choice(len(pairs), count, replace=False)
    taken = pairs[np.sort(chosen)]
    kept = ~np.isin(_keys(graph.edges, graph.num_nodes), _keys(taken, graph.num_nodes))
    smaller = dataclasses.replace(graph, edges=graph.edges[kept])
    return smaller, taken, non_edges(graph, count, (seed, 1))


def _keys(edges: np.ndarray, nodes: int) -> np.ndarray:
    """Compute a number for each edge, the same for both directions."""
    return edges.min(axis=1) * nodes + edges.max(axis=1)


def undirected(edges: np.ndarray) -> np.ndarray:
    """Return each edge once, the smaller node first, int64 [e / 2, 2]."""
    return edges[edges[:, 0] < edges[:, 1]]


def non_edges(graph: Graph, count: int, seed: tuple[int, int]) -> np.ndarray:
    """Sample pairs of different nodes that no edge joins, no pair twice.

    Args:
        graph: the graph of the nodes.
        count: number of pairs.
        seed: of the choice.

    Returns:
        int64 [count, 2], the smaller node first.

    Raises:
        UsageError: there are fewer such pairs.
    """
    nodes, edges = graph.num_nodes, undirected(graph.edges)
    free = nodes * (nodes - 1) // 2 - len(edges)
    if count > free:
        raise UsageError(
            f"link prediction needs {count} pairs of nodes without an edge; hold out "
            f"fewer edges. Received: a graph with {free}"
        )
    generator = np.random.default_rng(seed)
    found = np.zeros(0, np.int64)
    while len(found) < count:
        drawn = generator.integers(nodes, size=(2 * count, 2))
        keys = _keys(drawn[drawn[:, 0] != drawn[:, 1]], nodes)
        keys = np.concatenate([found, keys[~np.isin(keys, _keys(edges, nodes))]])
        _, first = np.unique(keys, return_index=True)
        found = keys[np.sort(first)]  # each once, in the order of sampling
    return np.stack(np.divmod(found[:count], nodes), axis=1)
