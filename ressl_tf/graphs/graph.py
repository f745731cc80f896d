"""Graphs: node features, undirected edges and optional labels."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np

from ressl_tf.runtime import archives, paths
from ressl_tf.runtime.errors import UsageError

PREFIX = "graph:"  # of --dataset
CSR_PARTS = ("data", "indices", "indptr", "shape")


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """An undirected graph; made by `from_edges` or `from_npz`.

    Args:
        features: float32 [nodes, features], finite.
        edges: int64 [edges, 2], (source, target): both directions of every edge, no
            edge twice, none from a node to itself, sorted.
        labels: int32 [nodes], -1 where a label is missing; None without labels.
        label_names: names of the classes; a label is an index into them.

    Raises:
        UsageError: the edges are not sorted, symmetric, and free of repeats and
            self-loops.
    """

    features: np.ndarray
    edges: np.ndarray
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()

    def __post_init__(self):
        key, mirrored = _keys(self.edges, self.num_nodes)
        clean = np.all(np.diff(key) > 0) and np.array_equal(np.sort(mirrored), key)
        if not clean or np.any(self.edges[:, 0] == self.edges[:, 1]):
            raise UsageError(
                "edges must be sorted, in both directions, without repeats and "
                "self-loops: Graph.from_edges makes them so. Received: other edges"
            )

    @classmethod
    def from_edges(
        cls,
        features: np.ndarray,
        edges: np.ndarray,
        labels: np.ndarray | None = None,
        label_names: Sequence[str] = (),
    ) -> "Graph":
        """Make a graph from any list of edges.

        Self-loops are dropped, a directed edge counts for both directions, and an edge
        given twice counts once. A node may have no edge.

        Args:
            features: numbers [nodes, features], finite.
            edges: whole numbers [edges, 2], the two nodes of an edge, from 0.
            labels: whole numbers [nodes], -1 where a label is missing.
            label_names: names of the classes; empty for their numbers.

        Raises:
            UsageError: the arrays have other shapes or values.
        """
        features = _features(features)
        edges = _edges(edges, len(features))
        labels, names = _labels(labels, tuple(label_names), len(features))
        return cls(features, edges, labels, names)

    @classmethod
    def from_npz(cls, path: str | os.PathLike) -> "Graph":
        """Read a graph from a file in the layout of the gnn-benchmark collection.

        `adj_data`, `adj_indices`, `adj_indptr` and `adj_shape` are the adjacency matrix
        in CSR form, of which every entry that is not 0 is an edge. `attr_*` likewise,
        or a dense `attr_matrix`, are the features. `labels` and `class_names` are
        optional. Nothing is unpickled.

        Raises:
            UsageError: there is no such file, or it does not hold a graph.
        """
        path = paths.local(path, "path")
        try:
            arrays = _read(path)
            rows, columns, values, shape = _csr(arrays, "adj")
            if shape[0] != shape[1]:
                raise UsageError(f"adj_shape must be square. Received: {shape}")
            edges = np.stack([rows, columns], axis=1)[values != 0]
            features = _attributes(arrays)
            if len(features) != shape[0]:
                raise UsageError(
                    f"attr_shape has {len(features)} nodes, adj_shape {shape[0]}"
                )
            names = arrays.get("class_names", ())
            return cls.from_edges(
                features, edges, arrays.get("labels"), [str(name) for name in names]
            )
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None

    @property
    def num_nodes(self) -> int:
        """The number of nodes."""
        return len(self.features)

    @property
    def num_features(self) -> int:
        """The length of a node's features."""
        return self.features.shape[1]

    @property
    def degrees(self) -> np.ndarray:
        """The number of edges of each node, int64 [nodes]."""
        return np.bincount(self.edges[:, 0], minlength=self.num_nodes)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The inputs of a graph network: "features" and "edges"."""
        return {"features": self.features, "edges": self.edges}


def load_graph(dataset: str) -> Graph:
    """Load the graph of a `--dataset`, "graph:/path/to/file.npz"."""
    return Graph.from_npz(dataset.removeprefix(PREFIX))


def count_features(dataset: str) -> int:
    """Return `num_features` of `load_graph(dataset)`, without reading all of it."""
    path = paths.local(dataset.removeprefix(PREFIX), "dataset")
    sizes = _read(path, ("attr_shape", "attr_matrix"))
    if "attr_matrix" in sizes:
        return sizes["attr_matrix"].shape[-1]
    if "attr_shape" not in sizes:
        return load_graph(dataset).num_features  # says what is missing
    return int(sizes["attr_shape"][-1])


def _keys(edges: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute a number for each edge and for its reverse, which sort as edges do."""
    source, target = edges[:, 0], edges[:, 1]
    return source * nodes + target, target * nodes + source


def _features(features) -> np.ndarray:
    features = np.asarray(features)
    if features.ndim != 2 or 0 in features.shape or features.dtype.kind not in "fiub":
        raise UsageError(
            "features must be numbers [nodes, features], at least one of each. "
            f"Received: {features.dtype} {list(features.shape)}"
        )
    features = features.astype(np.float32)
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise UsageError(f"features must be finite. Received: NaN or inf in row {row}")
    return features


def _edges(edges, nodes) -> np.ndarray:
    edges = np.asarray(edges)
    if edges.size == 0:
        return np.zeros([0, 2], np.int64)
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu":
        raise UsageError(
            "edges must be whole numbers [edges, 2]. Received: "
            f"{edges.dtype} {list(edges.shape)}"
        )
    edges = edges.astype(np.int64)
    if edges.min() < 0 or edges.max() >= nodes:
        raise UsageError(
            f"edges must join nodes 0 to {nodes - 1}, as there are {nodes} rows of "
            f"features. Received: {edges.min()} to {edges.max()}"
        )
    key = np.concatenate(_keys(edges[edges[:, 0] != edges[:, 1]], nodes))
    return np.stack(np.divmod(np.unique(key), nodes), axis=1)


def _labels(labels, names, nodes) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if labels is None:
        return None, ()
    labels = np.asarray(labels)
    if labels.shape != (nodes,) or labels.dtype.kind not in "iu":
        raise UsageError(
            f"labels must be whole numbers, one for each of {nodes} nodes. Received: "
            f"{labels.dtype} {list(labels.shape)}"
        )
    labels = labels.astype(np.int32)
    names = names or tuple(str(label) for label in range(labels.max() + 1))
    if labels.min() < -1 or labels.max() >= len(names):
        raise UsageError(
            f"labels must be -1 (not known) to {len(names) - 1}, as there are "
            f"{len(names)} names. Received: {labels.min()} to {labels.max()}"
        )
    return labels, names


def _read(path, names: Sequence[str] = ()) -> Mapping[str, np.ndarray]:
    """Read all arrays of an .npz file, or those named, except pickled ones."""
    try:
        return archives.read_arrays(path, names, objects="leave")
    except Exception as error:  # of the zip, of NumPy and of the disk
        reason = getattr(error, "strerror", None) or str(error) or "it is cut"
        raise UsageError(f"cannot be read as a graph: {reason}") from None


def _csr(arrays, name):
    """Return (rows, columns, values, shape) of a matrix in CSR form."""
    missing = [f"{name}_{part}" for part in CSR_PARTS if f"{name}_{part}" not in arrays]
    if missing:
        raise UsageError(
            f"a graph file needs {', '.join(missing)}. Received: "
            f"{', '.join(sorted(arrays)) or 'nothing'}"
        )
    values, columns, starts, shape = (arrays[f"{name}_{p}"] for p in CSR_PARTS)
    shape, counts = tuple(map(int, shape)), np.diff(starts)
    fits = len(shape) == 2 and len(starts) == shape[0] + 1 and starts[0] == 0
    fits = fits and starts[-1] == len(columns) == len(values) and np.all(counts >= 0)
    if not fits or (len(columns) and not 0 <= columns.min() <= columns.max()):
        raise UsageError(f"{name}_* is no CSR matrix: its parts do not fit each other")
    if len(columns) and columns.max() >= shape[1]:
        raise UsageError(
            f"{name}_indices must be below {shape[1]}. Received: {columns.max()}"
        )
    return np.repeat(np.arange(shape[0]), counts), columns, values, shape


def _attributes(arrays) -> np.ndarray:
    if "attr_matrix" in arrays:
        return arrays["attr_matrix"]
    rows, columns, values, shape = _csr(arrays, "attr")
    features = np.zeros(shape, np.float32)
    features[rows, columns] = values
    return features
