"""Near nodes of each node: the largest entries of its personalised PageRank."""

import numpy as np
import scipy.sparse

from ressl_tf.runtime.errors import UsageError

RESTART = 0.15  # probability of returning to the start; RGRL's code
PUSH_ERROR = 3e-4  # 98 % of the near nodes of Cora and Citeseer are then exact
PUSH_ROWS = 2000  # nodes whose diffusion is approximated at a time


def nearest_nodes(
    edges: np.ndarray, nodes: int, count: int, exact_max_nodes: int
) -> np.ndarray:
    """Find the nodes with the largest entries in each row of the diffusion.

        S = r (I - (1 - r) D^-1/2 (A + I) D^-1/2)^-1,  r = 0.15

    The node itself comes first, then other nodes by decreasing entry; of equal entries
    the lower node number comes first. Where a node reaches fewer than `count` nodes,
    its own number fills the row.

    Args:
        edges: int64 [edges, 2] as in `Graph`.
        nodes: number of nodes.
        count: near nodes of a node, itself among them.
        exact_max_nodes: up to this number of nodes the matrix is inverted (nodes^2
            memory and nodes^3 time); above, its rows are approximated in linear memory.

    Returns:
        int32 [nodes, count].

    Raises:
        UsageError: `count` is below 1 or above the number of nodes.

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
    """Return A + I, float64 [nodes, nodes]."""
    loops = np.arange(nodes)
    ends = np.concatenate([edges[:, 0], loops]), np.concatenate([edges[:, 1], loops])
    return scipy.sparse.csr_array((np.ones(len(ends[0])), ends), shape=[nodes, nodes])


def exact(adjacency: scipy.sparse.csr_array) -> np.ndarray:
    """Return S by inversion, float64 [nodes, nodes]."""
    root = np.sqrt(adjacency.sum(axis=1))
    matrix = adjacency.toarray()
    matrix *= -(1 - RESTART) / np.outer(root, root)
    matrix[np.diag_indices_from(matrix)] += 1
    return RESTART * np.linalg.inv(matrix)


def push(
    adjacency: scipy.sparse.csr_array, rows: np.ndarray, error: float
) -> scipy.sparse.csr_array:
    """Approximate rows of S from below, by a random walk from all of them at once.

    Probability that arrives at a node in a hop goes on only where it is above `error`
    times the node's degree: the work for a row does not depend on the graph's size.

    Args:
        adjacency: A + I.
        rows: numbers of the rows.
        error: the smaller, the more hops; no entry is above the exact one.

    Returns:
        float64 [rows, nodes], sparse.

    Reference: Andersen et al., Local Graph Partitioning using PageRank Vectors (FOCS
    2006), Sec. 3, where small probability is kept for later instead of dropped.
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


def _where(
    matrix: scipy.sparse.csr_array, chosen: np.ndarray
) -> scipy.sparse.csr_array:
    """Keep the stored entries where `chosen`, a bool of each, is true."""
    ends = np.concatenate([[0], np.cumsum(chosen)])[matrix.indptr]
    parts = matrix.data[chosen], matrix.indices[chosen], ends
    return scipy.sparse.csr_array(parts, shape=matrix.shape)


def _top(dense: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of the largest entries of each row, `rows` first."""
    here = np.arange(len(rows))
    dense = dense.round(10)  # equal ones are equal, other components are 0
    dense[here, rows] = np.inf
    order = np.argsort(-dense, axis=1, kind="stable")[:, :count]
    reached = np.take_along_axis(dense, order, axis=1) > 0
    return np.where(reached, order, rows[:, None]).astype(np.int32)


def _sparse_top(
    block: scipy.sparse.csr_array, rows: np.ndarray, count: int
) -> np.ndarray:
    """Do what `_top` does, for a sparse matrix."""
    block.sort_indices()
    top = np.repeat(rows[:, None], count, axis=1).astype(np.int32)
    for place, row in enumerate(rows):
        part = slice(block.indptr[place], block.indptr[place + 1])
        columns, values = block.indices[part], block.data[part]
        values = np.where(columns == row, np.inf, values)
        best = columns[np.argsort(-values, kind="stable")[:count]]
        top[place, : len(best)] = best
    return top
