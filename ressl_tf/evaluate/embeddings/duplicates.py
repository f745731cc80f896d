"""Groups of near-duplicates: an image and those that are nearly like it."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ressl_tf.evaluate.vectors import unit_rows

BLOCK = (2048, 8192)  # rows compared at a time
LINKS = 4_000_000  # that are held before they are replaced by as few as join the same


def duplicate_groups(features: np.ndarray, threshold: float) -> list[np.ndarray]:
    """Group rows around those with the most near-duplicates, exactly.

    Every row of a group is at least this similar to its first, and no two first ones
    are. So what is left when one row of each group is kept has no near-duplicates among
    these; a chain of images, each like the next, is no group.

    Args:
        features: [n, f]; similarity is the cosine. It may be mapped from the disk.
        threshold: lowest similarity to the first row of a group.

    Returns:
        Rows of each group of two or more: first the one it is around, then the others,
        the most similar first. The largest group comes first.
    """
    joined = joined_rows(similar_pairs(features, threshold), len(features))
    return groups(features, joined, threshold)


def groups(
    features: np.ndarray, joined: Iterable[np.ndarray], threshold: float
) -> list[np.ndarray]:
    """Divide joined rows into groups around single rows, as `duplicate_groups` does.

    Args:
        features: [n, f].
        joined: rows of each set that links of this similarity join.
        threshold: lowest similarity to the first row of a group.
    """
    found = [group for rows in joined for group in _around(features, rows, threshold)]
    return sorted(found, key=lambda group: (-len(group), group[0]))


def similarities_to_first(features: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the similarity of each row of a group to its first one, float32 [m]."""
    unit = _unit(features[group])
    return unit @ unit[0]


def similar_pairs(features: np.ndarray, threshold: float) -> Iterator[np.ndarray]:
    """Compare all pairs of rows; yield pairs at or above the threshold, int [m, 2]."""
    count = len(features)
    for top in range(0, count, BLOCK[0]):
        rows = _unit(features[top : top + BLOCK[0]])
        for left in range(top, count, BLOCK[1]):
            similar = rows @ _unit(features[left : left + BLOCK[1]]).T >= threshold
            pairs = np.argwhere(similar) + np.array([top, left])
            yield pairs[pairs[:, 0] < pairs[:, 1]]


def joined_rows(pairs: Iterable[np.ndarray], count: int) -> list[np.ndarray]:
    """Join rows by pairs; memory holds few millions of these.

    Args:
        pairs: blocks of int [m, 2].
        count: number of rows.

    Returns:
        Rows of each set of two or more that the pairs join, rising.
    """
    held, size = [np.zeros((0, 2), np.int64)], 0
    for block in pairs:
        held.append(block)
        size += len(block)
        if size > LINKS:
            held = [_as_few(np.concatenate(held), count)]
            size = 0
    labels = _components(np.concatenate(held), count)
    order = np.argsort(labels, kind="stable")
    found = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [rows for rows in found if len(rows) > 1]


def _around(
    features: np.ndarray, rows: np.ndarray, threshold: float
) -> Iterator[np.ndarray]:
    """Yield groups of rows; those with the most links take theirs first."""
    unit, left = _unit(features[rows]), np.ones(len(rows), bool)
    blocks = range(0, len(unit), BLOCK[0])
    links = [(unit[i : i + BLOCK[0]] @ unit.T >= threshold).sum(1) for i in blocks]
    for first in np.argsort(-np.concatenate(links), kind="stable"):
        if not left[first]:
            continue
        similarities = unit @ unit[first]
        near = np.flatnonzero(left & (similarities >= threshold))
        left[near] = left[first] = False
        near = near[near != first]
        order = near[np.argsort(-similarities[near], kind="stable")]
        if len(order):
            yield rows[np.concatenate([[first], order])]


def _components(pairs: np.ndarray, count: int) -> np.ndarray:
    ones = np.ones(len(pairs), bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), (count, count))
    return connected_components(graph, directed=False)[1]


def _as_few(pairs: np.ndarray, count: int) -> np.ndarray:
    """Return one link a row that join the same rows: to the first of its group."""
    _, first, inverse = np.unique(
        _components(pairs, count), return_index=True, return_inverse=True
    )
    links = np.stack([first[inverse], np.arange(count)], axis=1)
    return links[links[:, 0] != links[:, 1]]


def _unit(features: np.ndarray) -> np.ndarray:
    return unit_rows(np.asarray(features, np.float32))
