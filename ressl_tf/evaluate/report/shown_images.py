"""The images of a report: which they are, their thumbnails, features, relations."""

import dataclasses
import logging
import pathlib

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.data.into_memory import into_memory
from ressl_tf.data.load import open_first
from ressl_tf.data.pipeline import evaluation_batches, evaluation_rows
from ressl_tf.data.sources import Source, bad_images_as_run_errors
from ressl_tf.engine.checkpoint import Checkpoints, restore_network
from ressl_tf.evaluate import features
from ressl_tf.evaluate.plots.pictures import AUTO_SPLITS
from ressl_tf.evaluate.report import relation_snapshots
from ressl_tf.evaluate.report.relation_snapshots import Snapshot
from ressl_tf.evaluate.report.thumbnails import Sheet, side_for
from ressl_tf.methods.build import build_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.file_names import printable

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class ShownImages:
    """Images of one split, and what a run's networks make of them.

    Attributes:
        source: the images, in the order of all else.
        split: of the data set.
        features: what the backbone returns in inference mode, [n, f].
        labels: [n], below 0 for none; None where no image has one.
        plain: thumbnails of the whole images.
        weak: thumbnails of the teacher's views; empty where there are no snapshots.
        strong: those of the student's.
        views: names of the teacher's and the student's view.
        snapshots: relations at checkpoints, the oldest first.
    """

    source: Source
    split: str
    features: np.ndarray
    labels: np.ndarray | None
    plain: Sheet
    weak: Sheet
    strong: Sheet
    views: tuple[str, str]
    snapshots: list[Snapshot]

    @property
    def names(self) -> list[str]:
        """Path or record of each image, printable; of a folder, the path inside it."""
        names = [
            printable(self.source.example_name(row)) for row in range(self.source.size)
        ]
        folder = printable(self.source.name).removeprefix("folder:")
        prefix = f"{folder.rstrip('/')}/"
        return [name.removeprefix(prefix) for name in names]

    @property
    def about(self) -> str:
        """Number of images, data set and split, in words."""
        return f"{self.source.size:,} of {printable(self.source.name)}, {self.split}"


def show(
    config: ReportConfig, run: Config, model: ImageSSL | None = None
) -> ShownImages:
    """Read the images and compute all that a page shows of them.

    Args:
        config: of the report.
        run: of the run.
        model: of the run, where it is in memory: what it has compiled is used again,
            and its weights are put back. None to build one.

    Raises:
        UsageError: the images are not there, or the run has no checkpoint yet.
        RunError: an image or all checkpoints cannot be read.
    """
    source, split = choose(config, run)
    if model is None:
        return _shown(config, run, source, split, build_model(run))
    with relation_snapshots.borrowed(model):
        return _shown(config, run, source, split, model)


def _shown(
    config: ReportConfig, run: Config, source: Source, split: str, model: ImageSSL
) -> ShownImages:
    place = pathlib.Path(run.workdir)
    newest = restore_network(place / "checkpoints", "online", model.online)
    if newest is None:
        raise UsageError(f"{place} holds no checkpoint: no epoch is finished")
    side = side_for(source.size, run.image_size)
    plain, weak, strong = (Sheet(source.size, side) for _ in range(3))
    paths = [p for p in Checkpoints(newest.parent).paths() if p <= newest]
    paths = relation_snapshots.fitting(paths, config.checkpoints, source.size, model)
    with bad_images_as_run_errors():
        vectors, labels = extract(model, source, run.image_size, plain)
        snapshots = relation_snapshots.snapshots(
            model, run, source, paths, (weak, strong), config.seed
        )
    labelled = source.label_names is not None and bool(np.any(labels >= 0))
    views = relation_snapshots.view_pair(model)
    known = labels if labelled else None
    return ShownImages(
        source, split, vectors, known, plain, weak, strong, views, snapshots
    )


def choose(config: ReportConfig, run: Config) -> tuple[Source, str]:
    """Open the data set and choose images by a fixed seed, kept in their order.

    Raises:
        UsageError: the data set is not there: it may have moved.
    """
    opened = dataclasses.replace(
        config,
        dataset=config.dataset or run.dataset,
        data_dir=config.data_dir or run.data_dir,
        labels=config.labels if config.labels != "auto" else run.labels,
    )
    splits = AUTO_SPLITS if config.split == "auto" else (config.split,)
    source, split = open_first(opened, splits, cache="none")  # some are read
    if config.images < source.size:
        source = source.take(evaluation_rows(source.size, config.images).numpy())
    elif config.images > source.size:
        log.info("%s, %s, has %d images: all", source.name, split, source.size)
    return into_memory(source), split


def extract(
    model: ImageSSL, source: Source, image_size: int, sheet: Sheet
) -> tuple[np.ndarray, np.ndarray]:
    """Compute features in inference mode, and fill the sheet with the images.

    Returns:
        Features [n, f] and labels [n].

    Raises:
        RunError: a feature is NaN or infinite.
    """

    def drawn():
        for images, labels in evaluation_batches(source, image_size, BATCH_SIZE):
            sheet.add(images.numpy())
            yield images, labels

    vectors, labels = features.extract(model, drawn())
    if not np.isfinite(vectors).all():
        raise RunError("the features are not finite (NaN): the encoder is broken")
    return vectors, labels
