"""The kNN monitor of a run: which images classify which, and how well."""

import logging
from collections.abc import Callable

import keras
import numpy as np

from ressl_tf.config import Config
from ressl_tf.data.held_out import held_out
from ressl_tf.data.load import TEST_SPLITS, open_beside
from ressl_tf.data.pipeline import evaluation_batches
from ressl_tf.data.sources import MemorySource, Source, StreamSource
from ressl_tf.data.tfds import Records
from ressl_tf.evaluate import features, nearest_neighbors
from ressl_tf.evaluate.class_overlap import answerable
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
BATCH_SIZE = 256


def make(config: Config, source: Source) -> Callable[[keras.Model], float] | None:
    """Make a function from a model to its kNN top-1; None when nothing has labels.

    The training images are the bank, or those of `knn_bank_split`. The queries are the
    evaluation split; without one, every tenth image of each class of the bank, left out
    of it. Queries of a class without a training image are left out, with a warning.
    The function raises `UsageError` when bank and queries have no class in common.

    Args:
        config: of the run.
        source: its training images.
    """
    if config.knn_every == 0 or config.eval_split == "none":
        return None
    memory = source
    if config.knn_bank_split != "auto":
        memory = open_beside(config, config.knn_bank_split)
    if not _has_labels(memory, config.image_size):
        log.info("no labels in %s: the kNN monitor is off", memory.name)
        return None
    bank = evaluation_batches(
        memory, config.image_size, BATCH_SIZE, limit=config.knn_images
    )
    queries = _queries(config)
    asked: list[np.ndarray] = []  # which queries can be answered

    def measure(model: keras.Model) -> float:
        bank_features = features.extract(model, bank)
        if queries is None:
            bank_features, query_features = _hold_out(*bank_features)
            if not len(query_features[1]):
                raise UsageError(
                    f"every class of {memory.name} has a single image, and the kNN "
                    "monitor needs two; turn it off with --eval_split=none"
                )
        else:
            vectors, labels = features.extract(model, queries)
            asked[:] = asked or [_answerable(memory, bank_features[1], labels)]
            query_features = vectors[asked[0]], labels[asked[0]]
        return nearest_neighbors.accuracy(
            *bank_features,
            *query_features,
            k=config.knn_k,
            temperature=config.knn_temp,
        )

    return measure


def _has_labels(source, image_size) -> bool:
    """Return whether any of some images, chosen at random, has a class."""
    if source.label_names is None:
        return False
    if isinstance(source, MemorySource):
        return bool(np.any(source.labels >= 0))
    some = evaluation_batches(source, image_size, BATCH_SIZE, limit=BATCH_SIZE)
    return any(np.any(labels.numpy() >= 0) for _, labels in some)


def _queries(config):
    """Return batches of the evaluation split; None when `auto` finds none with labels.

    Raises:
        UsageError: when the split that was asked for is not there, or has no labels.
    """
    auto = config.eval_split == "auto"
    for split in TEST_SPLITS if auto else (config.eval_split,):
        try:
            source = open_beside(config, split)
        except UsageError as error:
            if not auto:
                raise
            log.info("%s is no test split: %s", split, error)
        else:
            if _has_labels(source, config.image_size):
                return evaluation_batches(source, config.image_size, BATCH_SIZE)
            if not auto:
                raise UsageError(
                    "the kNN monitor classifies labelled images: another --eval_split, "
                    f"or none. Received: {split}, which has no labels"
                )
    return None


def _answerable(memory: Source, bank: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Mark the queries whose class has a training image, bool [m].

    A bank that holds some of the images may lack a class by chance, which counts.

    Args:
        memory: the training images.
        bank: labels of those in the bank.
        queries: labels of the queries.
    """
    names = memory.label_names or ()
    records = isinstance(memory, StreamSource) and isinstance(memory.encoded, Records)
    if records and len(bank) < memory.size:
        if not set(bank[bank >= 0]) & set(queries):  # to know all takes a pass
            answerable(bank, queries, names, memory.name)
        return np.ones(len(queries), bool)
    return answerable(memory.all_labels(), queries, names, memory.name)


def _hold_out(features, labels):
    """Split examples into bank and queries: every tenth of each class is a query."""
    queries = held_out(labels)
    return (features[~queries], labels[~queries]), (features[queries], labels[queries])
