"""Approximate search: a graph of near rows, by usearch."""

import importlib
import logging
from typing import Any

import numpy as np

from ressl_tf.evaluate.nearest_neighbors import neighbours
from ressl_tf.evaluate.vectors import unit_rows
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
BLOCK = 1024  # rows at a time
SAMPLE = 100  # queries whose neighbours are compared with the exact ones


class ApproximateIndex:
    """A graph in which near rows are found without a look at all of them.

    Args:
        features: [n, f]; similarity is the cosine. The graph holds them as float16.

    Raises:
        UsageError: usearch is not installed.

    Reference: Malkov and Yashunin, Efficient and Robust Approximate Nearest Neighbor
    Search Using Hierarchical Navigable Small World Graphs (TPAMI 2020).
    """

    def __init__(self, features: np.ndarray):
        library = _usearch()
        self.features = features
        self.graph = library.Index(ndim=features.shape[1], metric="cos", dtype="f16")
        for start in range(0, len(features), BLOCK):
            rows = _aligned(features[start : start + BLOCK])
            self.graph.add(np.arange(start, start + len(rows)), rows)

    def neighbours(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find k near rows of every query; similarities are exact, rows may be missed.

        Args:
            queries: [m, f].
            k: number of neighbours; all rows where there are fewer.

        Returns:
            Similarities float32 [m, k], falling, and rows int64 [m, k].
        """
        k = min(k, len(self.features))
        starts = range(0, len(queries), BLOCK)
        found = [self._block(queries[i : i + BLOCK], k) for i in starts]
        similarities, rows = (np.concatenate(x) for x in zip(*found, strict=True))
        return similarities, rows

    def recall(self, k: int) -> float:
        """Return the share of the k nearest that is found, of some rows of the set."""
        some = np.unique(np.linspace(0, len(self.features) - 1, SAMPLE).astype(int))
        queries = self.features[some]
        exact = neighbours(self.features, queries, k)[1]
        found = self.neighbours(queries, k)[1]
        hits = [len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True)]
        return float(np.sum(hits) / exact.size)

    def _block(self, queries, k):
        queries = _aligned(queries)
        matches = self.graph.search(queries, k)
        rows = np.reshape(matches.keys, (len(queries), k)).astype(np.int64)
        near = unit_rows(np.asarray(self.features[rows.ravel()], np.float32)).reshape(
            *rows.shape, -1
        )
        similarities = np.einsum("mf,mkf->mk", unit_rows(queries), near)
        order = np.argsort(-similarities, axis=1, kind="stable")
        return (np.take_along_axis(x, order, axis=1) for x in (similarities, rows))


def _aligned(rows: np.ndarray) -> np.ndarray:
    """Copy rows as float32: usearch refuses those that a file maps to odd addresses."""
    return np.array(rows, np.float32)


def _usearch() -> Any:
    try:
        return importlib.import_module("usearch.index")
    except ImportError:
        raise UsageError(
            "--method=approximate needs usearch: pip install 'ressl_tf[search]'; or "
            "give --method=exact"
        ) from None
