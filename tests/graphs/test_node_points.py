import numpy as np

from ressl_tf.graphs.node_points import node_points
from ressl_tf.graphs.trained import open_graph_run


def test_nodes_have_their_embeddings_and_edges(graph_run):
    run = open_graph_run(str(graph_run))
    graph = run.graph()
    points = node_points(str(graph_run), "", 1000)
    np.testing.assert_array_equal(points.vectors, run.embed(graph))
    np.testing.assert_array_equal(points.labels, graph.labels)
    assert points.names[7] == "node 7"
    ends = int(np.sum(graph.edges[:, 0] == 7))
    assert points.notes[7] == f"{ends} edge{'' if ends == 1 else 's'}"
    assert points.about.startswith("60 of 60 nodes of graph:")


def test_of_many_nodes_some_are_chosen(graph_run):
    run = open_graph_run(str(graph_run))
    points = node_points(str(graph_run), "", 20)
    rows = [int(name.removeprefix("node ")) for name in points.names]
    assert len(set(rows)) == 20
    embedded = run.embed(run.graph())
    np.testing.assert_array_equal(points.vectors, embedded[rows])
