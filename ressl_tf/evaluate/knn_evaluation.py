"""kNN classification of a test split by the features of a training split."""

import logging
import pathlib
from typing import Any

from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.evaluate import features, nearest_neighbors, results, scores
from ressl_tf.evaluate.embeddings.examples import Examples, examples_of_files
from ressl_tf.evaluate.task import open_task

log = logging.getLogger("ressl_tf")


def evaluate(config: KNNConfig) -> dict[str, Any]:
    """Return the accuracy for every k and temperature; details for the first of each.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read.
    """
    examples = examples_of_files(config) if config.bank else computed(config)
    return evaluate_examples(config, examples)


def evaluate_examples(config: KNNConfig, examples: Examples) -> dict[str, Any]:
    """Classify by features that are there already; as `evaluate`.

    Args:
        config: says k, temperature and where the results go.
        examples: features and labels.
    """
    folder = pathlib.Path(config.run_dir)
    grid, figures = _classify(examples, config)
    for row in grid:
        log.info("k %(k)5d  T %(temperature)g  top-1 %(top1).4f", row)
    results.save_report(folder, figures, f"kNN on {examples.dataset}")
    line = {
        **results.summary(config, examples, figures),
        "k": grid[0]["k"],
        "temperature": grid[0]["temperature"],
        "knn_top1": figures["top1"],
        "grid": grid,
        "output": str(folder),
    }
    results.write_json(folder / "result.json", line)
    return line


def computed(config: KNNConfig) -> Examples:
    """Compute the features of both splits.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read.
    """
    task = open_task(config)
    model = task.encoder.feature_model()
    with bad_images_as_run_errors():
        bank = features.extract(model, task.batches(task.train, config.batch_size))
        queries = features.extract(model, task.batches(task.test, config.batch_size))
    return Examples(*bank, *queries, task.label_names, task.dataset)


def _classify(examples: Examples, config: KNNConfig):
    """Classify with every pair of k and T after one search for the most neighbours.

    A k above the size of the bank is that size, and the grid says so.
    """
    similarities, indices = nearest_neighbors.neighbours(
        examples.bank, examples.queries, max(config.knn_k)
    )
    names, labels = examples.label_names, examples.query_labels
    nearest = examples.bank_labels[indices]
    grid, details = [], None
    size = len(examples.bank)
    if max(config.knn_k) > size:
        log.info("the bank holds %d images: that many neighbours vote at most", size)
    for k in dict.fromkeys(min(k, size) for k in config.knn_k):
        for temperature in config.knn_temp:
            votes = nearest_neighbors.votes(
                similarities[:, :k], nearest[:, :k], len(names), temperature
            )
            figures = scores.report(votes, labels, names)
            details = details or figures
            pair = {"k": k, "temperature": temperature}
            grid.append({**pair, "top1": figures["top1"], "top5": figures["top5"]})
    return grid, details
