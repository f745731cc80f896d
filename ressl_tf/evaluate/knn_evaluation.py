"""kNN classification of a test split by the features of a training split."""

import logging
import pathlib
from typing import Any

from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.data.sources import bad_images_as_run_errors
from ressl_tf.evaluate import features, nearest_neighbors, results, scores
from ressl_tf.evaluate.task import Task, open_task

log = logging.getLogger("ressl_tf")


def evaluate(config: KNNConfig) -> dict[str, Any]:
    """Return the accuracy for every k and temperature; details for the first of each.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read.
    """
    task = open_task(config)
    folder = pathlib.Path(config.run_dir)
    with bad_images_as_run_errors():
        grid, figures = _classify(task, config)
    for row in grid:
        log.info("k %(k)5d  T %(temperature)g  top-1 %(top1).4f", row)
    results.save_report(folder, figures, f"kNN on {task.dataset}")
    line = {
        **results.summary(config, task, figures),
        "k": config.knn_k[0],
        "temperature": config.knn_temp[0],
        "knn_top1": figures["top1"],
        "grid": grid,
        "output": str(folder),
    }
    results.write_json(folder / "result.json", line)
    return line


def _classify(task: Task, config: KNNConfig):
    """Classify with every pair of k and T after one search for the most neighbours."""
    model = task.encoder.feature_model()
    bank, bank_labels = features.extract(
        model, task.batches(task.train, config.batch_size)
    )
    queries, labels = features.extract(
        model, task.batches(task.test, config.batch_size)
    )
    similarities, indices = nearest_neighbors.neighbours(
        bank, queries, max(config.knn_k)
    )
    nearest = bank_labels[indices]
    grid, details = [], None
    for k in config.knn_k:
        for temperature in config.knn_temp:
            votes = nearest_neighbors.votes(
                similarities[:, :k], nearest[:, :k], len(task.label_names), temperature
            )
            figures = scores.report(votes, labels, task.label_names)
            details = details or figures
            pair = {"k": k, "temperature": temperature}
            grid.append({**pair, "top1": figures["top1"], "top5": figures["top5"]})
    return grid, details
