"""The images of a report: which they are, their thumbnails, features, relations."""

import dataclasses
import logging
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.data.into_memory import into_memory
from ressl_tf.data.load import open_first
from ressl_tf.data.pipeline import evaluation_batches, evaluation_rows
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.engine.checkpoint import Checkpoints, restore_network
from ressl_tf.evaluate import features
from ressl_tf.evaluate.plots.pictures import AUTO_SPLITS
from ressl_tf.evaluate.report import relation_snapshots
from ressl_tf.evaluate.report.relation_snapshots import Snapshot
from ressl_tf.evaluate.report.thumbnails import SIDE, Sheet
from ressl_tf.methods.build import build_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.file_names import printable

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256
RECORD_FOLDER = re.compile(r".*/(?=[^/]*, (record|image) \d+$)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class ShownImages:
    """Images of one split or several, and what a run's networks make of them.

    Attributes:
        about: how many they are, of which data set, in words.
        names: path or record of each image, printable.
        label_names: of the classes; None without.
        splits: name of the split -> number of its images, in the order of all else.
        features: what the backbone returns in inference mode, [n, f].
        labels: [n], below 0 for none; None where no image has one.
        plain: thumbnails of the whole images.
        weak: thumbnails of the teacher's views; empty where there are no snapshots.
        strong: those of the student's.
        views: names of the teacher's and the student's view.
        predictor: whether the student has one.
        snapshots: relations at checkpoints, the oldest first.
    """

    about: str
    names: list[str]
    label_names: Sequence[str] | None
    splits: dict[str, int]
    features: np.ndarray
    labels: np.ndarray | None
    plain: Sheet
    weak: Sheet
    strong: Sheet
    views: tuple[str, str]
    predictor: bool
    snapshots: list[Snapshot]


class Reading:
    """The images of a report and what reads them, opened once for some reports.

    Args:
        model: of the run, where it is in memory: what it has compiled is used again,
            and its weights are put back. None to build one.
    """

    def __init__(self, model: ImageSSL | None = None):
        self.model: Any = model
        self.keeps_weights = model is not None
        self.sources: dict[str, Source] = {}

    def open(self, config: ReportConfig, run: Config) -> None:
        """Open the images, where no report before has.

        Args:
            config: of the report; the same for all.
            run: of the run.

        Raises:
            UsageError: the images are not there.
            RunError: an image cannot be read.
        """
        if self.sources:
            return
        sources = choose(config, run)
        self.model = self.model or build_model(run)
        parts, side = list(sources.values()), run.image_size
        self.batches = [evaluation_batches(part, side, BATCH_SIZE) for part in parts]
        self.drawing = relation_snapshots.Drawing(self.model, run, parts, config.seed)
        self.sources = sources


def show(config: ReportConfig, run: Config, reading: Reading) -> ShownImages:
    """Read the images and compute all that a page shows of them.

    Args:
        config: of the report.
        run: of the run.
        reading: new, or of an earlier report of both.

    Raises:
        UsageError: the images are not there, or the run has no checkpoint yet.
        RunError: an image or all checkpoints cannot be read.
    """
    reading.open(config, run)
    if not reading.keeps_weights:
        return _shown(config, run, reading)
    with relation_snapshots.borrowed(reading.model):
        return _shown(config, run, reading)


def _shown(config: ReportConfig, run: Config, reading: Reading) -> ShownImages:
    model, sources = reading.model, reading.sources
    place = pathlib.Path(run.workdir)
    newest = restore_network(place / "checkpoints", "online", model.online)
    if newest is None:
        raise UsageError(f"{place} holds no checkpoint: no epoch is finished")
    sizes = {split: source.size for split, source in sources.items()}
    count, side = sum(sizes.values()), min(SIDE, run.image_size)
    rgb = config.rgb or run.rgb
    plain, weak, strong = (Sheet(count, side, rgb) for _ in range(3))
    paths = [p for p in Checkpoints(newest.parent).paths() if p <= newest]
    paths = relation_snapshots.fitting(paths, config.checkpoints, count, model)
    with bad_images_as_run_errors():
        pairs = [extract(model, batches, plain) for batches in reading.batches]
        snapshots = relation_snapshots.snapshots(
            model, reading.drawing, paths, (weak, strong)
        )
    vectors, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
    (first, *_) = parts = sources.values()
    labelled = first.label_names is not None and bool(np.any(labels >= 0))
    return ShownImages(
        about=f"{count:,} of {printable(first.name)}, {' and '.join(sizes)}",
        names=[name for source in parts for name in names_of(source)],
        label_names=first.label_names,
        splits=sizes,
        features=vectors,
        labels=labels if labelled else None,
        plain=plain,
        weak=weak,
        strong=strong,
        views=relation_snapshots.view_pair(model),
        predictor=model.predictor is not None,
        snapshots=snapshots,
    )


def names_of(source: Source) -> list[str]:
    """Name all images: of a folder the path inside it, of records without theirs."""
    names = [printable(source.example_name(row)) for row in range(source.size)]
    folder = printable(source.name).removeprefix("folder:")
    prefix = f"{folder.rstrip('/')}/"
    return [RECORD_FOLDER.sub("", name.removeprefix(prefix)) for name in names]


def choose(config: ReportConfig, run: Config) -> dict[str, Source]:
    """Open the data set and choose images by a fixed seed, kept in their order.

    Returns:
        Split -> its images; several splits share the number that is asked for.

    Raises:
        UsageError: the data set is not there: it may have moved; or the splits have
            other classes.
    """
    opened = dataclasses.replace(
        config,
        dataset=config.dataset or run.dataset,
        data_dir=config.data_dir or run.data_dir,
        labels=config.labels if config.labels != "auto" else run.labels,
        on_bad_image=config.on_bad_image if config.dataset else run.on_bad_image,
        exif=config.exif if config.exif != "auto" else run.exif,
        value_range=(
            config.value_range if config.value_range != "auto" else run.value_range
        ),
        pixels=config.pixels if config.pixels != "auto" else run.pixels,
    )
    options = {"cache": "none", "channels": run.channels}  # some are read
    if config.split == "auto":
        pairs = [open_first(opened, AUTO_SPLITS, **options)]
    else:
        pairs = [open_first(opened, [s], **options) for s in config.splits]
    if len({source.label_names for source, _ in pairs}) > 1:
        raise UsageError(
            "the splits of a map must have the same classes. Received: "
            f"--split={config.split}"
        )
    most = max(1, config.images // len(pairs))
    return {split: into_memory(_some(source, split, most)) for source, split in pairs}


def _some(source: Source, split: str, most: int) -> Source:
    if most < source.size:
        return source.take(evaluation_rows(source.size, most).numpy())
    if most > source.size:
        log.info("%s, %s, has %d images: all", source.name, split, source.size)
    return source


def extract(
    model: ImageSSL, batches: Iterable, sheet: Sheet
) -> tuple[np.ndarray, np.ndarray]:
    """Compute features in inference mode, and fill the sheet with the images.

    Args:
        model: of the run.
        batches: of (images, labels), as from `data.pipeline.evaluation_batches`.
        sheet: takes the images.

    Returns:
        Features [n, f] and labels [n].

    Raises:
        RunError: a feature is NaN or infinite.
    """

    def drawn():
        for images, labels in batches:
            sheet.add(images.numpy())
            yield images, labels

    vectors, labels = features.extract(model, drawn())
    if not np.isfinite(vectors).all():
        raise RunError("the features are not finite (NaN): the encoder is broken")
    return vectors, labels
