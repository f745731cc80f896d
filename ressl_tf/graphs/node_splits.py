"""Random splits of a graph's nodes into training, validation and test."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class NodeSplit:
    """Numbers of nodes, each node in one of three sets.

    Attributes:
        train: int64 [m], nodes to learn from.
        validation: int64 [v], nodes by which a classifier or checkpoint may be chosen.
        test: int64 [t], nodes to classify.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def node_splits(labels: np.ndarray, count: int, seed: int) -> list[NodeSplit]:
    """Split the nodes that have a label 10 / 10 / 80, without regard to classes.

    Sizes are as in the official code of RGRL: test and validation are rounded down, the
    rest is for training.

    Args:
        labels: [n], below 0 for none.
        count: number of splits.
        seed: of all splits; the first ones do not depend on `count`.
    """
    labelled = np.flatnonzero(labels >= 0)
    test, validation = int(0.8 * len(labelled)), int(0.1 * len(labelled))
    splits = []
    for number in range(count):
        order = np.random.default_rng((seed, number)).permutation(labelled)
        parts = np.split(order, [test, test + validation])
        splits.append(NodeSplit(parts[2], parts[1], parts[0]))
    return splits
