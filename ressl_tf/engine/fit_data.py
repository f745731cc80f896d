"""The data that a user gives to `fit` and `evaluate`: checked, and put into form."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.runtime.errors import UsageError


def check_data(x: Any) -> None:
    """Refuse what holds no images, or what Keras would take for something else.

    Args:
        x: as `fit` and `evaluate` take it.

    Raises:
        UsageError: says what to give.
    """
    wanted = "an array of images [n, height, width, 3] on 0..255, or a tf.data.Dataset"
    if x is None:
        raise UsageError(f"there are no images: give {wanted}. Received: None")
    if isinstance(x, str | os.PathLike):
        raise UsageError(
            f"give {wanted}; ressl_tf.pretrain(data=...) takes a folder. "
            f"Received: {os.fspath(x)!r}"
        )
    if isinstance(x, list | tuple):
        raise UsageError(
            "a list is taken by Keras for the inputs of one model, so that each image "
            f"would be one: give {wanted}, such as np.stack(images). "
            f"Received: {type(x).__name__} of {len(x)}"
        )
    if isinstance(x, tf.RaggedTensor) or (isinstance(x, np.ndarray) and x.dtype == "O"):
        raise UsageError(
            f"the images of a batch are of one size: give {wanted}; a folder may hold "
            "photos of many sizes, ressl_tf.pretrain(data=...). "
            f"Received: {type(x).__name__}"
        )
    if isinstance(x, np.ndarray | tf.Tensor) and not is_number(x.dtype):
        raise UsageError(f"give {wanted}. Received: {x.dtype} {list(x.shape)}")
    if hasattr(x, "__array__") and not len(x):
        raise UsageError(f"there are no images: give {wanted}. Received: {x.shape}")


def is_number(dtype: Any) -> bool:
    """Return whether values of a type are numbers, truth values not among them."""
    dtype = tf.as_dtype(dtype)
    return dtype.is_integer or dtype.is_floating


def as_batches(x: Any) -> Any:
    """Return a generator's batches in the form that Keras takes; all else as it is.

    Keras wants tuples: a batch of images alone is one of one part.
    """
    if not inspect.isgenerator(x):
        return x
    return (batch if isinstance(batch, tuple) else (batch,) for batch in x)


def without_labels(given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the labels of arrays, which no loss here reads, whatever they are.

    Args:
        given: arguments of `fit` or `evaluate`, by name.
    """
    kept = {name: value for name, value in given.items() if name != "y"}
    held_out = kept.get("validation_data")
    if isinstance(held_out, tuple) and len(held_out) == 2:
        kept["validation_data"] = held_out[0]
    return kept
