"""Few images of each class, drawn from a set whose images show several."""

import numpy as np

from ressl_tf.data.multi_label import ABSENT, PRESENT


def of_class(
    states: np.ndarray, label: int, shots: int, generator: np.random.Generator
) -> np.ndarray:
    """Draw images for the classifier of one class, as Goyal et al. 2019 do.

    Args:
        states: int8 [n, classes] of `MultiLabels`.
        label: of the class.
        shots: images that show it; where there are fewer, all of them. Others are
            drawn for each other class: `shots` times their number.
        generator: of the draw.

    Returns:
        Rows, int64, sorted.
    """
    others = shots * max(1, states.shape[1] - 1)
    drawn = [
        _some(np.flatnonzero(states[:, label] == state), count, generator)
        for state, count in ((PRESENT, shots), (ABSENT, others))
    ]
    return np.sort(np.concatenate(drawn))


def pool(states: np.ndarray, shots: int, generator: np.random.Generator) -> np.ndarray:
    """Draw images that show each class, for the classifiers of all, as PCL does.

    An image that two classes draw is there once.

    Args:
        states: as of `of_class`.
        shots: images of each class.
        generator: of the draw.

    Returns:
        Rows, int64, sorted.
    """
    drawn = [
        _some(np.flatnonzero(column == PRESENT), shots, generator)
        for column in states.T
    ]
    return np.unique(np.concatenate(drawn))


def _some(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    return generator.choice(rows, min(count, len(rows)), replace=False)
