"""Checks of what a user gives to a model in Python."""

import difflib
import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras

from ressl_tf.data.augment.views import Views
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


MAY_BE_ZERO = ("predictor_depth", "ppr_exact_max_nodes")  # as what defaults to 0
INT32 = 2**31


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


def check_values(
    given: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]
) -> None:
    """Refuse arguments that are not of the type that a constructor's signature says.

    Args:
        given: keyword arguments.
        parameters: of the constructor, by name.

    Raises:
        UsageError: names one, and what it has to be.
    """
    for name, value in given.items():
        parameter = parameters.get(name)
        if parameter is None or (value is None and parameter.default is None):
            continue
        wanted, holds = _rule(parameter)
        if not holds(value):
            raise UsageError(f"{name} must be {wanted}. Received: {value!r}")


def _rule(parameter: inspect.Parameter) -> tuple[str, Callable[[Any], bool]]:
    """Say what an argument has to be, in words and as a test."""
    kind = parameter.annotation
    if kind in (int, int | None):
        if parameter.name == "seed":
            return "a whole number of 32 bits", lambda v: _whole(v, -INT32)
        zero = parameter.default == 0 or parameter.name in MAY_BE_ZERO
        least = 0 if zero else 1
        return f"a whole number from {least}", lambda v: _whole(v, least)
    if kind is float:
        return "a number", _number
    if kind is str:
        return "a text", lambda v: isinstance(v, str)
    if kind in (Sequence[float], Sequence[float] | None):
        return "a list of numbers", lambda v: _listed(v, _number)
    if kind == Sequence[int]:
        whole = "a list of whole numbers from 1"
        return whole, lambda v: _listed(v, lambda n: _whole(n, 1))
    return "", lambda v: True


def _whole(value: Any, least: int) -> bool:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and least <= value < INT32


def _number(value: Any) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)


def _listed(value: Any, holds: Callable[[Any], bool]) -> bool:
    several = not isinstance(value, str | Mapping) and hasattr(value, "__len__")
    return several and all(map(holds, value))


def check_views(views: Any, wanted: Sequence[str]) -> None:
    """Refuse what makes no views, or not those that a method learns from.

    Args:
        views: as a user gives it to a method.
        wanted: names of the method's views.

    Raises:
        UsageError: says which are missing.
    """
    if not isinstance(views, Views):
        raise UsageError(
            "views must be a ressl_tf.Views layer, as in ressl_tf.Views({"
            + ", ".join(f"{name!r}: ..." for name in wanted)
            + f"}}). Received: {type(views).__name__}"
        )
    if missing := [name for name in wanted if name not in views.names]:
        raise UsageError(
            f"the method learns from the views {', '.join(wanted)}; missing: "
            f"{', '.join(missing)}. Received: {', '.join(views.names) or 'none'}"
        )


def check_normalization(
    mean: Sequence[float], std: Sequence[float], channels: int = 3
) -> None:
    """Refuse a mean and a standard deviation that are not on the scale 0..1."""
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels or not all(0 <= value <= 1 for value in values):
            raise UsageError(
                f"{name} must be {'three' if channels == 3 else channels} numbers, one "
                "for each channel, on the scale 0..1 (those on 0..255 divided by 255). "
                f"Received: {tuple(values)}"
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
