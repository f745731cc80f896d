"""kNN accuracy in the logs of `fit`, to watch and to choose checkpoints by.

The loss says little for that: with a queue it is lowest in the first epochs, while the
queue still holds embeddings that are all alike.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.data.held_out import held_out
from ressl_tf.evaluate import features, nearest_neighbors
from ressl_tf.evaluate.class_overlap import answerable
from ressl_tf.runtime.errors import UsageError

WANTED = (
    "give labelled images as (images, labels), or a batched tf.data.Dataset of "
    "(images, labels) or of {'image': ..., 'label': ...}"
)
Batches = Callable[[], Iterator[tuple[Any, np.ndarray]]]
log = logging.getLogger("ressl_tf")


class KNNCallback(keras.callbacks.Callback):
    """A callback that adds `knn_top1` to the logs, of 0 to 1.

    `fit` of this package calls it before other callbacks, whatever their order, so that
    these can watch it: ModelCheckpoint(path, monitor="knn_top1", mode="max",
    save_best_only=True), EarlyStopping("knn_top1", mode="max", patience=10).

    Args:
        bank: labelled images whose classes vote: (images [n, h, w, 3] on 0..255, int
            labels [n]), or a batched `tf.data.Dataset` of such pairs or of dicts
            {"image", "label"}. Labels below 0 do not count.
        queries: labelled images that are classified, other ones; None for every tenth
            image of each class of the bank, left out of it.
        k: neighbours that vote.
        temperature: of their votes, exp(similarity / T).
        every: epochs between two measurements; the logs have the last one in between.
            The last epoch is always measured.
        batch_size: of images that are given as arrays.

    Raises:
        UsageError: bank or queries are no labelled images, or have no class in common.

    Example:
        knn = ressl_tf.KNNCallback((x_train, y_train), (x_test, y_test))
        best = keras.callbacks.ModelCheckpoint(
            "best.keras", monitor="knn_top1", mode="max", save_best_only=True
        )
        model.fit(images, epochs=100, callbacks=[knn, best])
    """

    adds_to_logs = True

    def __init__(
        self,
        bank: Any,
        queries: Any = None,
        *,
        k: int = 200,
        temperature: float = 0.1,
        every: int = 1,
        batch_size: int = 256,
    ):
        super().__init__()
        if min(k, every, batch_size) < 1 or temperature <= 0:
            raise UsageError(
                "k, every and batch_size must be at least 1, temperature above 0. "
                f"Received: k={k}, every={every}, batch_size={batch_size}, "
                f"temperature={temperature}"
            )
        self.queries: Batches | None = None
        self.bank = _batches("bank", bank, batch_size)
        if queries is not None:
            self.queries = _batches("queries", queries, batch_size)
        self.k, self.temperature, self.every = k, temperature, every
        self.last: float | None = None

    def measure(self, model: keras.Model) -> float:
        """Return the accuracy of a model from raw images to features, 0 to 1."""
        bank, labels = features.extract(model, self.bank())
        if self.queries is None:
            out = held_out(labels)
            queries, answers = bank[out], labels[out]
            bank, labels = bank[~out], labels[~out]
        else:
            queries, answers = features.extract(model, self.queries())
        if self.last is None:
            count = max(labels.max(initial=0), answers.max(initial=0)) + 1
            names = list(map(str, range(count)))
            self._check_bank(labels)
            answerable(labels, answers, names, "bank and queries")
        asked = (answers < 0) | np.isin(answers, labels)
        return nearest_neighbors.accuracy(
            *(bank, labels, queries[asked], answers[asked]),
            k=self.k,
            temperature=self.temperature,
        )

    def _check_bank(self, labels: np.ndarray) -> None:
        """Refuse a bank that can give one answer alone; say how many can vote."""
        classes = np.unique(labels[labels >= 0])
        if len(classes) < 2:
            raise UsageError(
                "the bank must hold two classes or more, or every figure would be 1. "
                f"Received: {len(classes)}"
            )
        if self.k > len(labels):
            log.info("the bank holds %d images: that many vote, not k", len(labels))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure where it is due, and add the last figure to the logs."""
        last = epoch + 1 == self.params.get("epochs")
        if self.last is None or last or epoch % self.every == 0:
            self.last = self.measure(self.model)
            getattr(self.model, "check_inputs", lambda: None)()
        if logs is not None:
            logs["knn_top1"] = self.last


def _batches(name: str, data: Any, batch_size: int) -> Batches:
    """Return a function that starts anew over batches of (images, int labels [n])."""
    if isinstance(data, tf.data.Dataset):
        _check_dataset(name, data)
        return lambda: (_pair(batch) for batch in data)
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise UsageError(f"{name}: {WANTED}. Received: {type(data).__name__}")
    images, labels = data[0], _labels(name, data[1])
    if len(images) != len(labels) or not len(labels):
        raise UsageError(
            f"{name}: {WANTED}. Received: {len(images)} images and {len(labels)} labels"
        )
    starts = range(0, len(labels), batch_size)
    return lambda: (
        (images[i : i + batch_size], labels[i : i + batch_size]) for i in starts
    )


def _pair(batch: Any) -> tuple[Any, np.ndarray]:
    dicts = isinstance(batch, Mapping)
    images, labels = (batch["image"], batch["label"]) if dicts else batch[:2]
    return images, np.asarray(labels)


def _labels(name: str, labels: Any) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:  # of keras.datasets
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(
            f"{name}: labels must be whole numbers [n], not one-hot. Received: "
            f"{labels.dtype} {labels.shape}"
        )
    return labels


def _check_dataset(name: str, data: tf.data.Dataset) -> None:
    spec = data.element_spec
    if isinstance(spec, Mapping):
        parts = [spec.get("image"), spec.get("label")]
    else:
        parts = list(spec[:2]) if isinstance(spec, tuple) else []
    ranks = [getattr(getattr(part, "shape", None), "rank", None) for part in parts]
    if ranks != [4, 1]:
        raise UsageError(f"{name}: {WANTED}. Received: a data set of {spec}")
    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UsageError(f"{name}: a data set that ends. Received: one with repeat()")
