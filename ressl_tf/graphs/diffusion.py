"""Which nodes are near a node: personalised PageRank, by its largest entries."""

import numpy as np
import scipy.sparse

from ressl_tf.runtime.errors import UsageError

RESTART = 0.15  # chance of jumping home; RGRL's code
PUSH_ERROR = 3e-4  # of Cora's and Citeseer's neighbours 98 % are then the exact ones
PUSH_ROWS = 2000  # nodes whose diffusion is approximated at a time


def nearest_nodes(
    edges: np.ndarray, nodes: int, count: int, exact_max_nodes: int
) -> np.ndarray:
    """The nodes with the largest entries in each row of the diffusion.

        S = r (I - (1 - r) D^-1/2 (A + I) D^-1/2)^-1,  r = 0.15

    The node itself comes first, then the others by their entry, of equal ones the first
    node. Where a node reaches fewer than `count`, it stands in for those missing.

    Args:
        edges: int64 [edges, 2] as in `Graph`.
        nodes: how many there are.
        count: nodes a row.
        exact_max_nodes: up to so many nodes the matrix is inverted (nodes^2 memory and
            nodes^3 time); above, its rows are approximated in linear memory.

    Returns:
        int32 [nodes, count].

    Reference: Klicpera et al., Diffusion Improves Graph Learning (NeurIPS 2019).
    """
    if not 1 <= count <= nodes:
        raise UsageError(
            f"--graph_topk must be 1 to the number of nodes, {nodes}. Received: {count}"
        )
    adjacency = with_self_loops(edges, nodes)
    if nodes <= exact_max_nodes:
        return _top(exact(adjacency), np.arange(nodes), count)
    blocks = np.split(np.arange(nodes), range(PUSH_ROWS, nodes, PUSH_ROWS))
    tops = [
        _sparse_top(push(adjacency, rows, PUSH_ERROR), rows, count) for rows in blocks
    ]
    return np.concatenate(tops)


def with_self_loops(edges: np.ndarray, nodes: int) -> scipy.sparse.csr_array:
    """A + I, float64."""
    loops = np.arange(nodes)
    ends = np.concatenate([edges[:, 0], loops]), np.concatenate([edges[:, 1], loops])
    return scipy.sparse.csr_array((np.ones(len(ends[0])), ends), shape=[nodes, nodes])


def exact(adjacency: scipy.sparse.csr_array) -> np.ndarray:
    """S, by inversion: float64 [nodes, nodes]."""
    root = np.sqrt(adjacency.sum(axis=1))
    matrix = adjacency.toarray()
    matrix *= -(1 - RESTART) / np.outer(root, root)
    matrix[np.diag_indices_from(matrix)] += 1
    return RESTART * np.linalg.inv(matrix)


def push(
    adjacency: scipy.sparse.csr_array, rows: np.ndarray, error: float
) -> scipy.sparse.csr_array:
    """Rows of S, from below, by walking from all of them at once.

    Probability that comes to a node in a hop walks on only where it is above `error`
    times the node's degree: the work for a row does not depend on the graph's size.

    Args:
        adjacency: A + I.
        rows: which.
        error: the smaller, the more hops; every entry is short of the exact one.

    Returns:
        [rows, nodes].

    Reference: Andersen et al., Local Graph Partitioning using PageRank Vectors (FOCS
    2006), Sec. 3, whose probability waits instead of being dropped.
    """
    degrees = adjacency.sum(axis=1)
    walk = adjacency.multiply((1 - RESTART) / degrees[:, None]).tocsr()
    places = (np.arange(len(rows)), rows)
    shape = (len(rows), len(degrees))
    waiting = scipy.sparse.csr_array((np.ones(len(rows)), places), shape=shape)
    settled = scipy.sparse.csr_array(shape)
    while waiting.nnz:
        settled = settled + RESTART * waiting
        waiting = _where(waiting, waiting.data > error * degrees[waiting.indices])
        waiting = waiting @ walk
    # From a walk's distribution to the symmetric S.
    settled.data *= np.repeat(np.sqrt(degrees[rows]), np.diff(settled.indptr))
    settled.data /= np.sqrt(degrees[settled.indices])
    return settled


def _where(matrix, chosen: np.ndarray) -> scipy.sparse.csr_array:
    """The chosen ones of the stored entries."""
    ends = np.concatenate([[0], np.cumsum(chosen)])[matrix.indptr]
    parts = matrix.data[chosen], matrix.indices[chosen], ends
    return scipy.sparse.csr_array(parts, shape=matrix.shape)


def _top(dense: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The columns of the largest entries of each row, `rows` first."""
    here = np.arange(len(rows))
    dense = dense.round(10)  # equal ones are equal, other components are 0
    dense[here, rows] = np.inf
    order = np.argsort(-dense, axis=1, kind="stable")[:, :count]
    reached = np.take_along_axis(dense, order, axis=1) > 0
    return np.where(reached, order, rows[:, None]).astype(np.int32)


def _sparse_top(block, rows, count) -> np.ndarray:
    """As `_top`, of a sparse matrix."""
    block.sort_indices()
    top = np.repeat(rows[:, None], count, axis=1).astype(np.int32)
    for place, row in enumerate(rows):
        part = slice(block.indptr[place], block.indptr[place + 1])
        columns, values = block.indices[part], block.data[part]
        values = np.where(columns == row, np.inf, values)
        best = columns[np.argsort(-values, kind="stable")[:count]]
        top[place, : len(best)] = best
    return top
