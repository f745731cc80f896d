"""Random shares of a graph's nodes: a few to learn from, most to classify."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class NodeSplit:
    """Numbers of nodes, each node in one of the three.

    Attributes:
        train: int64, those whose labels are learned from.
        validation: int64, those that may choose among classifiers.
        test: int64, those that are classified.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def node_splits(labels: np.ndarray, count: int, seed: int) -> list[NodeSplit]:
    """Splits of the nodes that have a label, 10 / 10 / 80, without regard to classes.

    Sizes as in the official code of RGRL: test and validation are rounded down, what
    is left is trained on.

    Args:
        labels: [n], below 0 for none.
        count: of the splits.
        seed: of all of them; the first ones do not depend on `count`.
    """
    labelled = np.flatnonzero(labels >= 0)
    test, validation = int(0.8 * len(labelled)), int(0.1 * len(labelled))
    splits = []
    for number in range(count):
        order = np.random.default_rng((seed, number)).permutation(labelled)
        parts = np.split(order, [test, test + validation])
        splits.append(NodeSplit(parts[2], parts[1], parts[0]))
    return splits
