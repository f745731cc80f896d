"""What an encoder has learned, as pictures."""

import dataclasses
import json
import logging
import math
import pathlib
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ressl_tf.config.plot_config import FEWEST_IMAGES, PlotConfig
from ressl_tf.data.load import TEST_SPLITS, open_first
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import Source, bad_images_as_run_errors
from ressl_tf.engine.workdir import read_rows
from ressl_tf.evaluate import features, plots
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import Pretrained, open_pretrained

log = logging.getLogger("ressl_tf")
AUTO_SPLITS = (*TEST_SPLITS, "train")
BATCH_SIZE = 256
NAME_LENGTH = 40  # letters that a path may take in a title


def draw(config: PlotConfig) -> dict[str, Any]:
    """Draws what `config` asks for.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder, the images or the output cannot be used.
        RunError: when an image cannot be read, or the features are useless.
    """
    rows = log_rows(config) if config.wants("curves") else []
    of_features = config.wants("embedding") or config.wants("neighbours")
    opened = open_pretrained(config.source) if of_features else None
    plots.check_folder(config.output_dir)
    figures, about = {}, {}
    if opened:
        with bad_images_as_run_errors():
            figures, about = feature_figures(config, opened)
    if rows:
        levels = reference_levels(pathlib.Path(config.workdir) / "config.json")
        title = f"Training of {plots.shorten(config.source, NAME_LENGTH)}"
        figures["curves"] = plots.curves(rows, levels, title)
    elif config.wants("curves"):
        log.info("%s has no log of a run: curves are left out", config.source)
    written = {name: config.output_dir / f"{name}.png" for name in figures}
    for name, path in written.items():
        plots.save(figures[name], path, dpi=100)
        log.info("%s", path)
    pictures = {name: str(path) for name, path in written.items()}
    return {"encoder": config.source, **about, "pictures": pictures}


def log_rows(config: PlotConfig) -> list[dict[str, Any]]:
    """Rows of the run's log; none, when there are none and none were asked for.

    Raises:
        UsageError: when curves were asked for and there is nothing to draw them from.
    """
    path = pathlib.Path(config.source) / "metrics.jsonl"
    rows = [row for row in read_rows(path.parent) if set(row) - {"epoch", "step"}]
    if rows:
        return rows
    if "curves" in config.kind:
        state = "has no numbers yet" if path.is_file() else "is not there"
        raise UsageError(
            "curves are drawn from the log of a run; give its --workdir. Received: "
            f"{config.source} ({path} {state})"
        )
    return []


def reference_levels(path: pathlib.Path) -> dict[str, tuple[float, str]]:
    """Values that a run's numbers are compared with: spread evenly, saying nothing.

    Args:
        path: of the run's `config.json`.
    """
    stored = json.loads(path.read_text()) if path.is_file() else {}
    levels = {}
    if "embedding_dim" in stored:
        even = 1 / math.sqrt(stored["embedding_dim"])
        levels["embedding_std"] = (even, "spread evenly: 1/sqrt(dim)")
    if "queue_size" in stored:
        uniform = math.log(stored["queue_size"])
        levels["teacher_entropy"] = (uniform, "uniform: log(queue_size)")
    return levels


def feature_figures(
    config: PlotConfig, opened: Pretrained
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """The pictures of features that are asked for, and what they are of."""
    size = opened.size_or(config.image_size)
    source, split = open_images(config, opened)
    batches = evaluation_batches(source, size, BATCH_SIZE, limit=config.images)
    vectors, labels = features.extract(opened.encoder.feature_model(), batches)
    if len(vectors) < FEWEST_IMAGES:
        raise UsageError(
            f"a picture of features needs {FEWEST_IMAGES} images or more. Received: "
            f"{len(vectors)} of {source.name}"
        )
    if source.label_names is None or not np.any(labels >= 0):
        log.info("no labels in %s: one colour and no frames", source.name)
        labels = None
    name = plots.shorten(source.name, NAME_LENGTH)
    what = f"{len(vectors)} images of {name}, {split}"
    figures, about = {}, {}
    if config.wants("embedding"):
        figure, about = embedding(config, vectors, labels, source.label_names, what)
        figures["embedding"] = figure
    if config.wants("neighbours"):
        images = np.concatenate([shown.numpy() for shown, _ in batches])
        figures["neighbours"] = plots.neighbours(
            images,
            vectors,
            labels,
            label_names=source.label_names,
            title=f"Nearest by features among {what}",
        )
    return figures, {
        "dataset": config.dataset or opened.config["dataset"],
        "split": split,
        "images": len(vectors),
        "feature_dim": vectors.shape[1],
        "labels": labels is not None,
        **about,
    }


def embedding(config, vectors, labels, label_names, what) -> tuple[Figure, dict]:
    """The features in the plane."""
    from ressl_tf.evaluate.plots.projection import project  # scikit-learn takes seconds
    from ressl_tf.evaluate.plots.scatter import scatter

    plane = project(
        vectors, config.projection, perplexity=config.perplexity, seed=config.seed
    )
    title = f"{plane.name} of features\n{what}"
    figure = scatter(plane.points, labels, label_names, title=title, axes=plane.axes)
    return figure, {"projection": plane.name}


def open_images(config: PlotConfig, opened: Pretrained) -> tuple[Source, str]:
    """The images to look at, and the split they are of.

    Raises:
        UsageError: when they are not there, or nothing says which.
    """
    dataset, data_dir = opened.data_or(config.dataset, config.data_dir)
    config = dataclasses.replace(config, dataset=dataset, data_dir=data_dir or "")
    splits = AUTO_SPLITS if config.split == "auto" else (config.split,)
    return open_first(config, splits, cache="none")  # of a whole set, some are read
