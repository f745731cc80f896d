"""Draw what an encoder has learned: features in the plane, neighbours, curves."""

import dataclasses
import logging
import math
import pathlib
import re
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from ressl_tf.config.plot_config import FEWEST_IMAGES, PlotConfig
from ressl_tf.config.unused_flags import meant
from ressl_tf.data.load import TEST_SPLITS, open_first
from ressl_tf.data.pipeline import evaluation_batches, evaluation_rows
from ressl_tf.data.shown_channels import shown
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.engine.workdir import read_rows
from ressl_tf.evaluate import features, plots
from ressl_tf.evaluate.plots.projection import project
from ressl_tf.evaluate.plots.scatter import scatter
from ressl_tf.runtime import stored
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import Pretrained, open_pretrained

log = logging.getLogger("ressl_tf")
AUTO_SPLITS = (*TEST_SPLITS, "train")
BATCH_SIZE = 256
LEADING = re.compile(r".*/|.*, (?=(record|image) \d+$)", re.DOTALL)
NAME_LENGTH = 40  # letters that a path may take in a title


@dataclasses.dataclass(frozen=True)
class Sample:
    """Images of a data set with their features.

    Attributes:
        source: The data set.
        split: Its split.
        batches: Batches of (images, labels).
        vectors: Features [n, f].
        labels: [n], below 0 for none; None where no image has one.
    """

    source: Source
    split: str
    batches: tf.data.Dataset
    vectors: np.ndarray
    labels: np.ndarray | None

    @property
    def title(self) -> str:
        """The number of images, their data set and its split."""
        name = plots.shorten(self.source.name, NAME_LENGTH)
        return f"{len(self.vectors)} images of {name}, {self.split}"

    def names(self) -> list[str]:
        """Return the names of the images, without folders and archives."""
        rows = evaluation_rows(self.source.size, len(self.vectors)).numpy()
        return [LEADING.sub("", self.source.example_name(row)) for row in rows]


def draw(config: PlotConfig) -> dict[str, Any]:
    """Draw the pictures that the config asks for.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: The encoder, the images or the output cannot be used.
        RunError: An image cannot be read, or the features are useless.
    """
    rows = log_rows(config) if config.wants("curves") else []
    of_features = config.wants("embedding") or config.wants("neighbours")
    opened = open_pretrained(config.source) if of_features else None
    plots.check_folder(config.output_dir)
    figures: dict[str, Figure] = {}
    facts: dict[str, Any] = {}
    if opened:
        with bad_images_as_run_errors():
            figures, facts = feature_figures(config, opened)
    if rows:
        figures["curves"] = _curves(config, rows)
    elif config.wants("curves"):
        log.info("%s has no log of a run: curves are left out", config.source)
    pictures = _save(figures, config)
    return {"encoder": config.source, **facts, "pictures": pictures}


def _curves(config: PlotConfig, rows: list[dict[str, Any]]) -> Figure:
    levels = reference_levels(pathlib.Path(config.workdir) / "config.json")
    title = f"Training of {plots.shorten(config.source, NAME_LENGTH)}"
    return plots.curves(rows, levels, title)


def _save(figures: dict[str, Figure], config: PlotConfig) -> dict[str, str]:
    folder, ending = config.output_dir, config.picture_format
    paths = {name: folder / f"{name}.{ending}" for name in figures}
    for name, path in paths.items():
        plots.save(figures[name], path, dpi=config.dpi)
        log.info("%s", path)
    return {name: str(path) for name, path in paths.items()}


def log_rows(config: PlotConfig) -> list[dict[str, Any]]:
    """Return the rows of the log of the run; without any, an empty list for "all".

    Raises:
        UsageError: Curves were asked for by name, and there is nothing to draw.
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
    """Return values to compare a run's numbers with: those of uniform distributions.

    A flag that the method does not take says nothing of them.

    Args:
        path: The run's `config.json`.

    Returns:
        Key of the log -> (value, its name).
    """
    flags = meant(stored.read_object(path) if path.is_file() else {})
    levels = {}
    if "embedding_dim" in flags:
        uniform = 1 / math.sqrt(flags["embedding_dim"])
        levels["embedding_std"] = (uniform, "uniform: 1/sqrt(dim)")
    if "queue_size" in flags:
        uniform = math.log(flags["queue_size"])
        levels["teacher_entropy"] = (uniform, "uniform: log(queue_size)")
    return levels


def feature_figures(
    config: PlotConfig, opened: Pretrained
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Draw the pictures of features that are asked for.

    Returns:
        Name -> figure, and the facts about them for the result.

    Raises:
        UsageError: The images are not there, or too few.
    """
    rgb = opened.rgb_or(config.rgb)
    sample = extract_sample(config, opened)
    figures: dict[str, Figure] = {}
    projection: dict[str, str] = {}
    if config.wants("embedding"):
        figures["embedding"], projection = embedding(config, sample)
    if config.wants("neighbours"):
        figures["neighbours"] = gallery(sample, rgb)
    return figures, {
        "dataset": config.dataset or opened.config["dataset"],
        "split": sample.split,
        "images": len(sample.vectors),
        "feature_dim": sample.vectors.shape[1],
        "labels": sample.labels is not None,
        **projection,
    }


def extract_sample(config: PlotConfig, opened: Pretrained) -> Sample:
    """Read the images and compute their features.

    Raises:
        UsageError: The images are not there, or too few.
    """
    size = opened.size_or(config.image_size)
    source, split = open_images(config, opened)
    batches = evaluation_batches(source, size, BATCH_SIZE, limit=config.images)
    vectors, found = features.extract(opened.encoder.feature_model(), batches)
    if len(vectors) < FEWEST_IMAGES:
        raise UsageError(
            f"a picture of features needs {FEWEST_IMAGES} images or more. Received: "
            f"{len(vectors)} of {source.name}"
        )
    labelled = source.label_names is not None and bool(np.any(found >= 0))
    if not labelled:
        log.info("no labels in %s: one colour and no frames", source.name)
    return Sample(source, split, batches, vectors, found if labelled else None)


def embedding(config: PlotConfig, sample: Sample) -> tuple[Figure, dict[str, str]]:
    """Draw the features in the plane.

    Returns:
        The figure, and the name of the projection for the result.
    """
    plane = project(
        sample.vectors,
        config.projection,
        perplexity=config.perplexity,
        seed=config.seed,
    )
    figure = scatter(
        plane.points,
        sample.labels,
        sample.source.label_names,
        title=f"{plane.name} of features\n{sample.title}",
        axes=plane.axes,
    )
    return figure, {"projection": plane.name}


def gallery(sample: Sample, rgb: str = "") -> Figure:
    """Draw some images and their nearest neighbours, in the channels of `--rgb`."""
    return plots.neighbours(
        np.concatenate([shown(images, rgb) for images, _ in sample.batches]),
        sample.vectors,
        sample.labels,
        label_names=sample.source.label_names,
        image_names=sample.names(),
        title=f"Nearest by features among {sample.title}",
    )


def open_images(config: PlotConfig, opened: Pretrained) -> tuple[Source, str]:
    """Open the images to draw.

    Returns:
        The data set, and the name of its split.

    Raises:
        UsageError: They are not there, or nothing says which.
    """
    config = opened.resolved_to_judge(config)
    splits = AUTO_SPLITS if config.split == "auto" else (config.split,)
    options = {"cache": "none", "channels": opened.encoder.channels}
    return open_first(config, splits, **options)  # of a whole set, some are read
