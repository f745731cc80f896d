"""The kNN monitor: which images classify which, and how well."""

import logging
from collections.abc import Callable

import keras
import numpy as np

from ressl_tf.config import Config, run_flags
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import MemorySource, Source
from ressl_tf.evaluate import features, nearest_neighbors
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256
AUTO_SPLITS = ("test", "validation")


def make(config: Config, source: Source) -> Callable[[keras.Model], float] | None:
    """A function from a model to its kNN top-1, or None when nothing has labels.

    The training images are the memory, or those of `knn_bank_split`. What they classify
    is the evaluation split; without one, every tenth image of the memory, left out.

    Args:
        config: of the run.
        source: its training images.
    """
    if config.knn_every == 0 or config.eval_split == "none":
        return None
    memory = source
    if config.knn_bank_split != "auto":
        memory = _load(config, config.knn_bank_split)
    if not _has_labels(memory, config.image_size):
        log.info("no labels in %s: the kNN monitor is off", memory.name)
        return None
    bank = evaluation_batches(
        memory, config.image_size, BATCH_SIZE, limit=config.knn_images
    )
    queries = _queries(config)
    options = {"k": config.knn_k, "temperature": config.knn_temp}

    def measure(model: keras.Model) -> float:
        known = features.extract(model, bank)
        if queries is None:
            known, asked = _hold_out(*known)
        else:
            asked = features.extract(model, queries)
        return nearest_neighbors.accuracy(*known, *asked, **options)

    return measure


def _load(config, split):
    return load_source(
        config.dataset,
        split,
        data_dir=config.data_dir or None,
        on_bad_image=config.on_bad_image,
        max_pixels=config.max_pixels,
        cache=run_flags.cache_beside(config.cache),
        cache_dir=config.cache_dir or None,
    )


def _has_labels(source, image_size) -> bool:
    """Whether any of some images, chosen at random, is of a class."""
    if source.label_names is None:
        return False
    if isinstance(source, MemorySource):
        return bool(np.any(source.labels >= 0))
    some = evaluation_batches(source, image_size, BATCH_SIZE, limit=BATCH_SIZE)
    return any(np.any(labels.numpy() >= 0) for _, labels in some)


def _queries(config):
    """Batches of the evaluation split, or None when `auto` finds no labelled one."""
    auto = config.eval_split == "auto"
    for split in AUTO_SPLITS if auto else (config.eval_split,):
        try:
            source = _load(config, split)
        except UsageError:
            if not auto:
                raise
        else:
            if _has_labels(source, config.image_size):
                return evaluation_batches(source, config.image_size, BATCH_SIZE)
            if not auto:
                raise UsageError(
                    "the kNN monitor classifies labelled images: another --eval_split, "
                    f"or none. Received: {split}, which has no labels"
                )
    return None


def _hold_out(features, labels):
    """Every tenth example against the others."""
    asked = np.arange(len(labels)) % 10 == 0
    return (features[~asked], labels[~asked]), (features[asked], labels[asked])
