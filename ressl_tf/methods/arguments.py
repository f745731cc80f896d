"""Checks of what a user gives to a model in Python."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from ressl_tf.runtime.errors import UsageError

OF_BACKBONES = (
    "it is of a backbone, as in backbone=ressl_tf.backbones.build('resnet18', "
    "image_size=32, stem='small', width=0.25)"
)
INSTEAD = {  # names that people try, and how to get there
    **dict.fromkeys(("width", "stem", "zero_init_gamma"), OF_BACKBONES),
    "projector": "the projector is made of hidden_dim, embedding_dim and head",
    "predictor": "the predictor is made of predictor_dim, predictor_depth and "
    "predictor_bn, by the methods that have one",
    "temp_t": "it is called teacher_temp",
    **dict.fromkeys(
        ("optimizer", "learning_rate"), "model.compile(ressl_tf.SGD(0.06)) takes it"
    ),
    **dict.fromkeys(("epochs", "batch_size"), "model.fit takes it"),
    "augmentation": "views=ressl_tf.Views({...}) takes the layers",
}


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a constructor's argument that is none of those allowed."""
    if value not in allowed:
        raise UsageError(
            f"{name} must be one of {', '.join(allowed)}. Received: {value}"
        )


def check_known(owner: str, given: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse arguments that a constructor does not have.

    Args:
        owner: the name of the class.
        given: names of keyword arguments.
        allowed: names of those that there are.

    Raises:
        UsageError: names one, and what to do instead.
    """
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else ""
            hint = INSTEAD.get(name, hint) or f"it has {', '.join(allowed)}"
            raise UsageError(f"{owner} has no argument {name}: {hint}")


def check_normalization(mean: Sequence[float], std: Sequence[float]) -> None:
    """Refuse a mean and a standard deviation that are not on the scale 0..1."""
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != 3 or not all(0 <= value <= 1 for value in values):
            raise UsageError(
                f"{name} must be three numbers, one for each channel, on the scale "
                f"0..1 (those on 0..255 divided by 255). Received: {tuple(values)}"
            )
    if min(std) <= 0:
        raise UsageError(f"std must be above 0. Received: {tuple(std)}")


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
