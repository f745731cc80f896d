"""Labelled features to learn from and to classify."""

import dataclasses

import numpy as np

from ressl_tf.config.feature_files import FeatureFiles
from ressl_tf.evaluate.class_overlap import answerable
from ressl_tf.evaluate.embeddings.embedded import Embedded, check_same_encoder, read
from ressl_tf.runtime.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Examples:
    """Features with labels.

    Attributes:
        bank: [n, f], to learn from.
        bank_labels: int [n], 0 and up.
        queries: [m, f], to classify.
        query_labels: int [m], 0 and up.
        label_names: the classes in the order of their numbers.
        dataset: name of the set.
    """

    bank: np.ndarray
    bank_labels: np.ndarray
    queries: np.ndarray
    query_labels: np.ndarray
    label_names: tuple[str, ...]
    dataset: str

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers of images and features, for the JSON line."""
        return {
            "train_images": len(self.bank),
            "test_images": len(self.queries),
            "feature_dim": self.bank.shape[1],
        }


def examples_of_files(config: FeatureFiles) -> Examples:
    """Read `--bank` and `--queries`; rows without a label are left out.

    Features stay on the disk where all rows have a label.

    Raises:
        UsageError: a file cannot be read or has no labels, or the two do not match.
    """
    bank, queries = read(config.bank), read(config.queries)
    check_same_encoder(bank, queries, config.queries)
    if bank.label_names != queries.label_names:
        raise UsageError(
            f"the classes of {config.bank} and {config.queries} differ: "
            f"{len(bank.label_names)} and {len(queries.label_names)}"
        )
    known = _labelled(bank, config.bank), _labelled(queries, config.queries)
    bank_labels, query_labels = bank.labels[known[0]], queries.labels[known[1]]
    names, asked = bank.label_names, known[1]
    asked = asked[answerable(bank_labels, query_labels, names, config.bank)]
    return Examples(
        _rows(bank.features, known[0]),
        bank_labels,
        _rows(queries.features, asked),
        queries.labels[asked],
        names,
        bank.about.get("dataset", config.bank),
    )


def _labelled(embedded: Embedded, name: str) -> np.ndarray:
    rows = np.flatnonzero(embedded.labels >= 0)
    if not len(rows) or not embedded.label_names:
        raise UsageError(
            f"{name} has no labels; embed a folder with a sub-folder for each class"
        )
    return rows


def _rows(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return features if len(rows) == len(features) else features[rows]
