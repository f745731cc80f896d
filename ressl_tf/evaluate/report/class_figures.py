"""Accuracy of each class by the nearest other labelled images of the report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ressl_tf.evaluate import scores
from ressl_tf.evaluate.nearest_neighbors import votes
from ressl_tf.evaluate.report.embedding_map import nearest

TEMPERATURE = 0.1  # of the votes, as in the kNN monitor
SHOWN = 4  # images of a class, the best and the worst


def class_figures(
    features: np.ndarray, labels: np.ndarray | None, names: Sequence[str] | None
) -> dict[str, Any]:
    """Classify each labelled image by its nearest labelled ones, itself left out.

    Args:
        features: [n, f].
        labels: [n], below 0 for none; None where no image has one.
        names: of the classes.

    Returns:
        "reason", empty unless there is nothing to show; "top1", "images", "neighbours",
        "confusion" (rows are true classes) and "classes": each has "name", "images",
        "accuracy", "best" and "worst", the images whose votes are most and least for
        their class.
    """
    if labels is None or names is None or not np.any(labels >= 0):
        return {"reason": "no image has a label"}
    rows = np.flatnonzero(labels >= 0)
    own = labels[rows]
    if len(np.unique(own)) < 2:
        return {"reason": "all labelled images are of one class"}
    near = nearest(features[rows])
    counted = votes(near.similarities, own[near.rows], len(names), TEMPERATURE)
    figures = scores.report(counted, own, names)
    share = counted[np.arange(len(rows)), own] / counted.sum(axis=1)
    return {
        "reason": "",
        "top1": figures["top1"],
        "images": len(rows),
        "neighbours": near.rows.shape[1],
        "confusion": figures["confusion"],
        "classes": [
            {
                "name": name,
                "accuracy": figures["per_class"][name],
                **_extremes(rows[own == index], share[own == index]),
            }
            for index, name in enumerate(names)
        ],
    }


def _extremes(rows: np.ndarray, share: np.ndarray) -> dict[str, Any]:
    """Count the images of a class; list the best and, of the others, the worst."""
    order = rows[np.argsort(-share, kind="stable")].tolist()
    worst = order[SHOWN:][::-1][:SHOWN]
    return {"images": len(rows), "best": order[:SHOWN], "worst": worst}
