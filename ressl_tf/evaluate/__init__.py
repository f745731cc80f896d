"""Evaluation of encoders: protocols, scores and plots."""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Load `knn`, the short name of `nearest_neighbors`, on first use.

    Not with the package: the module needs TensorFlow, which plots alone do not.
    """
    if name == "knn":
        return importlib.import_module("ressl_tf.evaluate.nearest_neighbors")
    raise AttributeError(f"module 'ressl_tf.evaluate' has no attribute {name!r}")
