"""Pairs and labels of the tasks on nodes."""

import numpy as np
import pytest

from ressl_tf.graphs import node_tasks
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import undirected
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime.errors import UsageError


def test_training_pairs_of_links_are_no_queries(graph_run):
    graph, positive, negative = open_graph_run(str(graph_run)).held_out()
    held_out = np.concatenate([positive, negative])
    edges, non_edges = node_tasks._training_pairs(graph, held_out, seed=0)
    pairs = np.concatenate([edges, non_edges])
    training = {tuple(sorted(pair)) for pair in pairs.tolist()}
    queries = {tuple(pair) for pair in held_out.tolist()}
    assert not training & queries
    assert len(training) == 2 * len(edges)
    assert {tuple(sorted(pair)) for pair in edges.tolist()} == {
        tuple(pair) for pair in undirected(graph.edges).tolist()
    }


def test_too_few_labels_are_refused():
    few = Graph.from_edges(np.eye(12), [[0, 1]], np.repeat([0, 1, -1], [5, 4, 3]))
    with pytest.raises(UsageError, match="Received: 9 labels of 2 classes"):
        node_tasks.labels_of(few)
