"""An encoder and the labelled images that it is evaluated on."""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ressl_tf.config.evaluate_config import EvaluateConfig
from ressl_tf.data.held_out import held_out
from ressl_tf.data.load import TEST_SPLITS, open_beside, open_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import Source
from ressl_tf.evaluate.class_overlap import answerable
from ressl_tf.evaluate.same_images import warn_of_same_files
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Task:
    """An encoder and the labelled images that it is evaluated on.

    Attributes:
        encoder: as it was trained, or with random weights when the config says so.
        image_size: side in pixels of the images it gets.
        train: labelled images to learn from.
        test: labelled images to classify; of the same classes.
        dataset: its name, resolved.
        decoding: `exif`, `value_range` and `pixels` of the images, resolved.
    """

    encoder: Encoder
    image_size: int
    train: Source
    test: Source
    dataset: str
    decoding: dict[str, Any]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes, in the order of their numbers."""
        return self.train.label_names or ()

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers of images and features, for the JSON line."""
        return {
            "train_images": self.train.size,
            "test_images": self.test.size,
            "feature_dim": self.encoder.feature_dim,
        }

    def batches(self, source: Source, batch_size: int = BATCH_SIZE):
        """Return plain images and labels of `train` or `test`."""
        return evaluation_batches(source, self.image_size, batch_size)


def open_task(config: EvaluateConfig) -> Task:
    """Open what the config names.

    Raises:
        UsageError: when it is not there, has no labels or does not fit.
    """
    pretrained = open_pretrained(config.source, config.model_selection)
    config = pretrained.resolved_to_judge(config)
    size = pretrained.size_or(config.image_size)
    encoder = pretrained.encoder
    train, test = open_splits(config, encoder.channels)
    if config.untrained:
        encoder = random_weights(encoder, config.seed)
    names = ("exif", "value_range", "pixels")
    decoding = {name: getattr(config, name) for name in names}
    return Task(encoder, size, train, test, config.dataset, decoding)


def random_weights(encoder: Encoder, seed: int) -> Encoder:
    """Return the same network, initialised anew."""
    keras.utils.set_random_seed(seed)
    backbone = keras.models.clone_model(encoder.backbone)
    return Encoder(backbone, None, encoder.mean, encoder.std)


def open_splits(
    config: EvaluateConfig, channels: int | None = None
) -> tuple[Source, Source]:
    """Open the labelled examples of the training and the evaluation split.

    Test images of classes without a training image are left out, with a warning.

    Args:
        config: names data set and splits.
        channels: of the images that the encoder takes; None for the config's.

    Raises:
        UsageError: when one is not there, their classes differ, or none is in both.
    """
    train = open_source(config, config.train_split, channels=channels)
    train = labelled_only(train, config.train_split)
    found = test_split(config, channels, labelled_only)
    if found is not None:
        test = found
        warn_of_same_files(train, test)
    else:
        log.info(
            "no test split in %s: every tenth image of each class is held out",
            config.dataset,
        )
        train, test = hold_out(train)
    if train.label_names != test.label_names:
        counts = [len(source.label_names or ()) for source in (train, test)]
        raise UsageError(
            f"the classes of {train.name} and {test.name} differ: "
            f"{counts[0]} and {counts[1]}"
        )
    known = answerable(
        train.all_labels(), test.all_labels(), train.label_names or (), train.name
    )
    return train, test if known.all() else test.take(np.flatnonzero(known))


def test_split(
    config: EvaluateConfig,
    channels: int | None,
    checked: Callable[[Source, str], Source],
) -> Source | None:
    """Open the split that is judged; None where `auto` finds none.

    Args:
        config: names data set and split.
        channels: of the images.
        checked: takes a source and its split; returns it, or refuses it.

    Raises:
        UsageError: the split that is named is not there, or refused.
    """
    if config.eval_split != "auto":
        split = config.eval_split
        return checked(open_beside(config, split, channels), split)
    for split in TEST_SPLITS:
        try:
            return checked(open_beside(config, split, channels), split)
        except UsageError as error:
            log.info("%s is no test split: %s", split, error)
    return None


def hold_out(source: Source) -> tuple[Source, Source]:
    """Split a source: nine tenths of each class to learn from, a tenth to test."""
    test = held_out(source.all_labels())
    return source.take(np.flatnonzero(~test)), source.take(np.flatnonzero(test))


def labelled_only(source: Source, split: str) -> Source:
    """Keep the examples that have a label.

    Raises:
        UsageError: when none has one.
    """
    rows = np.zeros(0, int)
    if source.label_names is not None:
        labels = source.all_labels()
        rows = np.flatnonzero(labels >= 0)
        if len(rows) == len(labels):
            return source
    if not len(rows):
        raise UsageError(
            f"{source.name} has no labels in its split {split!r}; evaluation needs "
            "them: a folder for each class, or a TFDS set with a label; ressl_tf.svm "
            "takes several labels an image"
        )
    log.info("%s: %d of %d images have a label", source.name, len(rows), source.size)
    return source.take(rows)
