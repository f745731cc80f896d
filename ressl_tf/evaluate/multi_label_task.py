"""An encoder and images that may show several classes each."""

import dataclasses
import logging

import numpy as np

from ressl_tf.config.evaluate_config import EvaluateConfig
from ressl_tf.data.held_out import HELD_OUT, held_out
from ressl_tf.data.load import open_source
from ressl_tf.data.multi_label import NOT_COUNTED, MultiLabels, one_hot
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import Source, StreamSource
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.evaluate import features
from ressl_tf.evaluate.same_images import warn_of_same_files
from ressl_tf.evaluate.task import random_weights, test_split
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained

log = logging.getLogger("ressl_tf")


@dataclasses.dataclass(frozen=True)
class MultiLabelTask:
    """Features of images that are learned from and judged, and what they show.

    Attributes:
        train_features: float32 [n, f].
        train: what those images show.
        test_features: float32 [m, f].
        test: what those images show; of the same classes.
        dataset: its name, resolved.
    """

    train_features: np.ndarray
    train: MultiLabels
    test_features: np.ndarray
    test: MultiLabels
    dataset: str

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers of images and features, for the JSON line."""
        return {
            "train_images": len(self.train_features),
            "test_images": len(self.test_features),
            "feature_dim": self.train_features.shape[1],
        }


def open_multi_label(config: EvaluateConfig, batch_size: int) -> MultiLabelTask:
    """Open what the config names, and compute the features of its images.

    Each image is read once, so that none is held but in a cache on the disk.

    Raises:
        UsageError: when it is not there, has no classes or does not fit.
        RunError: when an image cannot be read.
    """
    pretrained = open_pretrained(config.source, config.model_selection)
    config = pretrained.resolved_to_judge(config)
    if config.cache != "disk":
        config = dataclasses.replace(config, cache="none")
    size = pretrained.size_or(config.image_size)
    encoder = pretrained.encoder
    if config.untrained:
        encoder = random_weights(encoder, config.seed)
    sources = open_splits(config, encoder.channels)
    train, test = map(shown_classes, sources)
    if train.names != test.names:
        counts = len(train.names), len(test.names)
        raise UsageError(
            f"the classes of the splits of {config.dataset} differ: {counts[0]} and "
            f"{counts[1]}"
        )
    model = encoder.feature_model()
    with bad_images_as_run_errors():
        known, asked = (
            features.extract(model, evaluation_batches(source, size, batch_size))[0]
            for source in sources
        )
    return MultiLabelTask(known, train, asked, test, config.dataset)


def shown_classes(source: Source) -> MultiLabels:
    """Return the classes that each image shows.

    Raises:
        UsageError: it has no classes.
    """
    if isinstance(source, StreamSource):
        original = getattr(source.encoded, "original", source.encoded)  # of a cache
        labels = original.multi_labels()
        labels = labels and labels.take(source.rows.numpy())
    else:
        labels = one_hot(source.all_labels(), source.label_names)
    if labels is None:
        raise UsageError(
            f"{source.name} does not say which classes its images show: a list needs "
            "a column labels (dog;cat), a column of 0 and 1 for each class, or label; "
            "a TFDS set a feature labels or label; a folder a folder for each class"
        )
    return labels


def open_splits(config: EvaluateConfig, channels: int) -> tuple[Source, Source]:
    """Open the images of both splits that count for some class.

    Args:
        config: names data set and splits.
        channels: of the images that the encoder takes.

    Raises:
        UsageError: one is not there, or has no classes.
    """
    train = open_source(config, config.train_split, channels=channels)
    train = _judged(train, config.train_split)
    test = test_split(config, channels, _judged)
    if test is not None:
        warn_of_same_files(train, test)
        return train, test
    log.info("no test split in %s: a tenth of the images is held out", config.dataset)
    held = _held_out(train)
    return train.take(np.flatnonzero(~held)), train.take(np.flatnonzero(held))


def _judged(source: Source, split: str) -> Source:
    """Leave out images that count for no class.

    Raises:
        UsageError: none counts for one.
    """
    rows = np.flatnonzero((shown_classes(source).states != NOT_COUNTED).any(axis=1))
    if not len(rows):
        raise UsageError(f"no image of {source.name} has a label in its split {split}")
    return source if len(rows) == source.size else source.take(rows)


def _held_out(source: Source) -> np.ndarray:
    """Mark every tenth image: of each class where an image shows one class."""
    if source.label_names is not None:
        return held_out(source.all_labels())
    return np.arange(source.size) % HELD_OUT == 0
