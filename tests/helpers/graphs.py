"""Small graphs and their files."""

import numpy as np
import scipy.sparse


def planted_graph(nodes=60, features=12, classes=3):
    """Draw a graph whose classes are joined more often and share features."""
    from ressl_tf.graphs.graph import Graph

    generator = np.random.default_rng(0)
    labels = np.arange(nodes) % classes
    likely = np.where(labels[:, None] == labels, 0.3, 0.02)
    edges = np.argwhere(np.triu(generator.random((nodes, nodes)) < likely, 1))
    own = np.arange(features) % classes == labels[:, None]
    values = generator.random((nodes, features)) < np.where(own, 0.5, 0.2)
    return Graph.from_edges(values, edges, labels, "abc")


def save_graph(graph, path):
    """Write a graph in the layout of the gnn-benchmark collection, features dense."""
    starts = np.concatenate([[0], np.cumsum(graph.degrees)])
    np.savez(
        path,
        adj_data=np.ones(len(graph.edges), np.float32),
        adj_indices=graph.edges[:, 1],
        adj_indptr=starts,
        adj_shape=np.array([graph.num_nodes] * 2),
        attr_matrix=graph.features,
        **({} if graph.labels is None else {"labels": graph.labels}),
    )


def random_graph(nodes=30, edges=45):
    """Draw a graph whose last node has no edge."""
    from ressl_tf.graphs.graph import Graph

    generator = np.random.default_rng(1)
    ends = generator.integers(0, nodes - 1, (edges, 2))
    return Graph.from_edges(generator.normal(size=(nodes, 7)), ends)


def parts(name, matrix):
    matrix = scipy.sparse.csr_array(matrix)
    arrays = matrix.data, matrix.indices, matrix.indptr, matrix.shape
    return {
        f"{name}_{part}": np.asarray(array)
        for part, array in zip(
            ("data", "indices", "indptr", "shape"), arrays, strict=True
        )
    }
