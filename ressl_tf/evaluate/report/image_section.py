"""What a page shows of images, as data for its scripts: map, relations, classes."""

import logging
from typing import Any

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.config.unused_flags import unused
from ressl_tf.evaluate.report import class_figures, embedding_map, packed
from ressl_tf.evaluate.report.shown_images import ShownImages
from ressl_tf.evaluate.report.temperature_range import suitable

log = logging.getLogger("ressl_tf")
MOST_REFERENCES = 2000
SHOWN_NEIGHBOURS = 8


def image_data(config: ReportConfig, run: Config, shown: ShownImages) -> dict[str, Any]:
    """Return names, labels, maps, neighbours, figures of classes and relations."""
    near = embedding_map.nearest(shown.features)
    made, reason = embedding_map.maps(shown.features, config.projection, config.seed)
    labels = None if shown.labels is None else shown.labels.tolist()
    return {
        "count": shown.source.size,
        "side": shown.plain.side,
        "columns": shown.plain.columns,
        "names": shown.names,
        "labels": labels,
        "classes": list(shown.source.label_names or ()),
        "clusters": embedding_map.clusters(shown.features, config.seed).tolist(),
        "maps": made,
        "map_reason": reason,
        "neighbours": near.rows[:, :SHOWN_NEIGHBOURS].tolist(),
        "per_class": class_figures.class_figures(
            shown.features, shown.labels, shown.source.label_names
        ),
        "relations": relation_data(run, shown),
    }


def relation_data(run: Config, shown: ShownImages) -> dict[str, Any]:
    """Return the embeddings and temperatures that relations are computed from.

    Returns:
        "reason", where there are none; else what `relations.js` reads.
    """
    if not shown.snapshots:
        return {"reason": "no checkpoint holds both teacher and student"}
    count = shown.source.size
    if count < 3:
        return {"reason": f"a relation needs three images or more; here are {count}"}
    last = shown.snapshots[-1]
    if not all(np.isfinite(s.teacher).all() for s in shown.snapshots):
        return {"reason": "the embeddings are not finite (NaN)"}
    rows = np.linspace(0, count - 1, min(count, MOST_REFERENCES)).round().astype(int)
    references = np.unique(rows)
    return {
        "reason": "",
        "references": references.tolist(),
        "views": list(shown.views),
        "teacher_temp": run.teacher_temp,
        "student_temp": run.student_temp,
        "trained_by_relation": "teacher_temp" not in unused(vars(run)),
        "method": run.method,
        "suitable": suitable(last.teacher, references, run.student_temp),
        "snapshots": [
            {
                "step": snapshot.step,
                "teacher": packed.vectors(snapshot.teacher),
                "student": packed.vectors(snapshot.student),
            }
            for snapshot in shown.snapshots
        ],
    }
