"""Propagation and the GCN against dense NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_rgrl as reference
from helpers.graphs import random_graph

from ressl_tf.graphs.gcn import GCN, Propagation
from ressl_tf.runtime.errors import UsageError


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
