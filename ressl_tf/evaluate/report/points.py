"""What a map shows that are no images: the embeddings of a run, with names."""

import dataclasses
import importlib
import pathlib
from collections.abc import Sequence

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig


@dataclasses.dataclass(frozen=True)
class Points:
    """Embeddings with names, of a run that learns from something else than images.

    Attributes:
        things: what they are, in the plural: "nodes".
        about: how many they are, of which data set, in words.
        vectors: [n, d].
        labels: [n], below 0 for none; None without.
        label_names: of the classes; None without.
        names: of each.
        notes: what is said of each besides.
    """

    things: str
    about: str
    vectors: np.ndarray
    labels: np.ndarray | None
    label_names: Sequence[str] | None
    names: list[str]
    notes: list[str]


def points_of(config: ReportConfig, run: Config, place: pathlib.Path) -> Points:
    """Return what the kind of a run's data gives to be mapped.

    Raises:
        UsageError: the data are not there, or there is no checkpoint yet.
        RunError: no checkpoint can be read.
    """
    module, _, function = run.kind.points.partition(":")
    give = getattr(importlib.import_module(module), function)
    return give(str(place), config.dataset, config.images)
