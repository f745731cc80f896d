"""Pairs and labels of the tasks on nodes."""

import numpy as np
import pytest

from ressl_tf.graphs import node_tasks
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.link_split import undirected
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime.errors import UsageError


def test_what_links_learn_from_is_not_asked_for(graph_run):
    seen, positive, negative = open_graph_run(str(graph_run)).held_out()
    edges, others = node_tasks._known_pairs(
        seen, np.concatenate([positive, negative]), seed=0
    )
    known = {tuple(sorted(pair)) for pair in np.concatenate([edges, others]).tolist()}
    asked = {tuple(pair) for pair in np.concatenate([positive, negative]).tolist()}
    assert not known & asked
    assert len(known) == 2 * len(edges)
    assert {tuple(sorted(pair)) for pair in edges.tolist()} == {
        tuple(pair) for pair in undirected(seen.edges).tolist()
    }


def test_too_few_labels_are_refused():
    few = Graph.from_edges(np.eye(12), [[0, 1]], np.repeat([0, 1, -1], [5, 4, 3]))
    with pytest.raises(UsageError, match="Received: 9 labels of 2 classes"):
        node_tasks.labels_of(few)
