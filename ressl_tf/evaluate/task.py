"""An encoder and the labelled images that it is judged on."""

import dataclasses
import functools
import logging

import keras
import numpy as np

from ressl_tf.config import run_flags
from ressl_tf.config.evaluate_config import JudgeConfig
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import Source
from ressl_tf.models.encoder import Encoder
from ressl_tf.pretraining import knn_monitor
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Task:
    """An encoder and the labelled images that it is judged on.

    Attributes:
        encoder: as it was trained, or with random weights when the config says so.
        image_size: side in pixels of the images it gets.
        train: labelled images to learn from.
        test: labelled images to classify; of the same classes.
        dataset: its name, resolved.
    """

    encoder: Encoder
    image_size: int
    train: Source
    test: Source
    dataset: str

    @property
    def label_names(self) -> tuple[str, ...]:
        return self.train.label_names

    def batches(self, source: Source, batch_size: int = BATCH_SIZE):
        """Plain images and labels of `train` or `test`."""
        return evaluation_batches(source, self.image_size, batch_size)


def open_task(config: JudgeConfig) -> Task:
    """Opens what the config names.

    Raises:
        UsageError: when it is not there, has no labels or does not fit.
    """
    pretrained = open_pretrained(config.source)
    dataset, data_dir = pretrained.data_or(config.dataset, config.data_dir)
    size = pretrained.size_or(config.image_size)
    train, test = _open_splits(config, dataset, data_dir)
    encoder = pretrained.encoder
    if config.untrained:
        encoder = random_weights(encoder, config.seed)
    return Task(encoder, size, train, test, dataset)


def random_weights(encoder: Encoder, seed: int) -> Encoder:
    """The same network, initialised anew."""
    keras.utils.set_random_seed(seed)
    backbone = keras.models.clone_model(encoder.backbone)
    return Encoder(backbone, None, encoder.mean, encoder.std)


def _open_splits(config, dataset, data_dir) -> tuple[Source, Source]:
    """The labelled examples of the training and the evaluation split."""

    def load(split, cache):
        source = load_source(
            dataset,
            split,
            data_dir=data_dir,
            download=config.download,
            on_bad_image=config.on_bad_image,
            max_pixels=config.max_pixels,
            cache=cache,
            cache_dir=config.cache_dir or None,
        )
        return labelled_only(source, split)

    train = load(config.train_split, config.cache)
    load_test = functools.partial(load, cache=run_flags.cache_beside(config.cache))
    if config.eval_split != "auto":
        test = load_test(config.eval_split)
    else:
        test = _auto_split(load_test)
        if test is None:
            log.info("no test split in %s: every tenth image is held out", dataset)
            train, test = hold_out(train)
    if train.label_names != test.label_names:
        raise UsageError(
            f"the classes of {train.name} and {test.name} differ: "
            f"{len(train.label_names)} and {len(test.label_names)}"
        )
    return train, test


def _auto_split(load) -> Source | None:
    for split in knn_monitor.AUTO_SPLITS:
        try:
            return load(split)
        except UsageError:
            continue
    return None


def hold_out(source: Source) -> tuple[Source, Source]:
    """Every tenth example against the others."""
    asked = np.arange(source.size) % 10 == 0
    return source.take(np.flatnonzero(~asked)), source.take(np.flatnonzero(asked))


def labelled_only(source: Source, split: str) -> Source:
    """The examples that have a label.

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
            f"{source.name} has no labels in its split {split!r}; judging needs them: "
            "a folder for each class, or a TFDS set with a label"
        )
    log.info("%s: %d of %d images have a label", source.name, len(rows), source.size)
    return source.take(rows)
