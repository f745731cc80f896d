"""Checks of what a user gives to a model in Python."""

from collections.abc import Sequence
from typing import Any

import keras

from ressl_tf.runtime.errors import UsageError


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a constructor's argument that is none of those allowed."""
    if value not in allowed:
        raise UsageError(
            f"{name} must be one of {', '.join(allowed)}. Received: {value}"
        )


def inputs_of(data: Any) -> Any:
    """Return the inputs of a batch as `fit` gives it, without labels.

    Raises:
        UsageError: the batch has weights of its samples.
    """
    inputs, _, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is not None:
        raise UsageError(
            "weights of samples have no meaning in a loss without labels, which "
            "relates the images to one another; leave them out. Received: a batch "
            "with three parts, or a class_weight"
        )
    return inputs
