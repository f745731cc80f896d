"""What an evaluation leaves behind: JSON, a confusion matrix, its picture."""

import json
import pathlib
from typing import Any

from ressl_tf.config.evaluate_config import EvaluateConfig
from ressl_tf.evaluate import plots
from ressl_tf.evaluate.embeddings.examples import Examples
from ressl_tf.evaluate.plots import confusion
from ressl_tf.evaluate.task import Task
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError


def save_report(folder: pathlib.Path, figures: dict[str, Any], title: str) -> None:
    """Write `confusion.json` (with per-class accuracy) and `confusion.png`.

    Args:
        folder: made if it is not there.
        figures: of `evaluate.scores.report`.
        title: of the picture.
    """
    write_json(folder / "confusion.json", figures)
    matrix = confusion.confusion_matrix(figures["confusion"], figures["classes"], title)
    plots.save(matrix, folder / "confusion.png")


def write_json(path: pathlib.Path, value: Any) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        UsageError: when its folder cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(value, indent=1) + "\n")
    except OSError as error:
        raise UsageError(
            f"--output must be a folder that can be written. Received: "
            f"{path.parent} ({error.strerror})"
        ) from None


def summary(
    config: EvaluateConfig, task: Task | Examples, figures: dict[str, Any]
) -> dict[str, Any]:
    """Return the head of every evaluation's JSON line."""
    return {
        "command": config.command,
        "encoder": config.source,
        "untrained": config.untrained,
        "dataset": task.dataset,
        **task.sizes,
        "top1": figures["top1"],
        "top5": figures["top5"],
        "per_class": figures["per_class"],
        "seed": config.seed,
    }
