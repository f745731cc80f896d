"""What a page shows of images, as data for its scripts: map, relations, classes."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.config.unused_flags import unused
from ressl_tf.evaluate.report import class_figures, embedding_map, packed
from ressl_tf.evaluate.report.shown_images import ShownImages
from ressl_tf.evaluate.report.temperature_range import suitable
from ressl_tf.evaluate.report.thumbnails import PER_FILE

log = logging.getLogger("ressl_tf")
MOST_REFERENCES = 2000
SHOWN_NEIGHBOURS = 8


def image_data(config: ReportConfig, run: Config, shown: ShownImages) -> dict[str, Any]:
    """Return what a page shows of images: their map, thumbnails, relations."""
    return {
        **map_data(
            config, shown.features, shown.labels, shown.label_names, shown.names
        ),
        "things": "images",
        "side": shown.plain.side,
        "columns": shown.plain.columns,
        "per_file": PER_FILE,
        "splits": list(shown.splits),
        "split_of": np.repeat(
            np.arange(len(shown.splits)), list(shown.splits.values())
        ).tolist(),
        "relations": relation_data(run, shown),
    }


def map_data(
    config: ReportConfig,
    features: np.ndarray,
    labels: np.ndarray | None,
    label_names: Sequence[str] | None,
    names: Sequence[str],
) -> dict[str, Any]:
    """Return names, labels, maps, neighbours and figures of classes.

    Args:
        config: of the report.
        features: [n, f].
        labels: [n], below 0 for none; None where there are none.
        label_names: of the classes; None without.
        names: of the n images or nodes.
    """
    near = embedding_map.nearest(features)
    made, reason = embedding_map.maps(features, config.projection, config.seed)
    return {
        "count": len(features),
        "names": list(names),
        "labels": None if labels is None else labels.tolist(),
        "classes": [] if labels is None else list(label_names or ()),
        "clusters": embedding_map.clusters(features, config.seed).tolist(),
        "maps": made,
        "map_reason": reason,
        "neighbours": near.rows[:, :SHOWN_NEIGHBOURS].tolist(),
        "per_class": class_figures.class_figures(features, labels, label_names),
    }


def relation_data(run: Config, shown: ShownImages) -> dict[str, Any]:
    """Return the embeddings and temperatures that relations are computed from.

    Returns:
        "reason", where there are none; else what `relations.js` reads.
    """
    if not shown.snapshots:
        return {"reason": "no checkpoint holds both teacher and student"}
    count = len(shown.features)
    if count < 3:
        return {"reason": f"a relation needs three images or more; here are {count}"}
    last = shown.snapshots[-1]
    if not all(np.isfinite(s.teacher).all() for s in shown.snapshots):
        return {"reason": "the embeddings are not finite (NaN)"}
    rows = np.linspace(0, count - 1, min(count, MOST_REFERENCES)).round().astype(int)
    references = np.unique(rows)
    unmeant = unused(vars(run))
    by_relation = "teacher_temp" not in unmeant
    # What MoCo's student is compared at is the temperature of InfoNCE.
    by_infonce = not by_relation and "infonce_temp" not in unmeant
    student_temp = run.infonce_temp if by_infonce else run.student_temp
    return {
        "reason": "",
        "references": references.tolist(),
        "views": list(shown.views),
        "teacher_temp": run.teacher_temp,
        "student_temp": student_temp,
        "trained_by_relation": by_relation,
        "predictor": shown.predictor,
        "method": run.method,
        "suitable": suitable(last.teacher, references, student_temp)
        if by_relation
        else None,
        "snapshots": [
            {
                "step": snapshot.step,
                "teacher": packed.vectors(snapshot.teacher),
                "student": packed.vectors(snapshot.student),
            }
            for snapshot in shown.snapshots
        ],
    }
