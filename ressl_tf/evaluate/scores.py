"""Accuracy of class scores: top-1, top-5, per class, confusion."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the classes that come before the true one; 0 is a hit.

    Of equal scores the class of the lower number comes first, as with `argmax`.

    Args:
        scores: [m, classes].
        labels: [m], 0 and up.

    Returns:
        int [m].
    """
    true = np.take_along_axis(scores, labels[:, None], axis=1)
    equal_before = (scores == true) & (np.arange(scores.shape[1]) < labels[:, None])
    return np.sum((scores > true) | equal_before, axis=1)


def confusion(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Count pairs, [classes, classes]: a row is the true class, a column the answer."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def report(
    scores: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    """Return all metrics, ready for JSON.

    Args:
        scores: [m, classes]; the highest is the answer.
        labels: [m], 0 and up.
        names: Names of the classes, in order.

    Returns:
        `top1`, `top5`, `per_class` (name -> accuracy, None without test images),
        `confusion` (lists of counts; rows are true classes), `classes`, `images`.
    """
    place = ranks(scores, labels)
    counts = confusion(scores.argmax(axis=1), labels, len(names))
    totals = counts.sum(axis=1)
    return {
        "top1": float(np.mean(place < 1)),
        "top5": float(np.mean(place < 5)),
        "per_class": {
            name: float(counts[i, i] / totals[i]) if totals[i] else None
            for i, name in enumerate(names)
        },
        "confusion": counts.tolist(),
        "classes": list(names),
        "images": len(labels),
    }
