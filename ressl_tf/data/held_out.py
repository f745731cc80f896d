"""Every tenth image of each class, held out where there is no test split."""

import numpy as np

HELD_OUT = 10  # every tenth


def held_out(labels: np.ndarray) -> np.ndarray:
    """Mark the first and then every tenth image of each class.

    A class of one image stays whole: there would be nothing to learn it from. Images
    without a label (below 0) are not marked.

    Args:
        labels: int [n].

    Returns:
        bool [n].
    """
    labels = np.asarray(labels)
    marked = np.zeros(len(labels), bool)
    for label in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            marked[rows[::HELD_OUT]] = True
    return marked
