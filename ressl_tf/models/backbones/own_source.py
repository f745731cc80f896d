"""A user's own network by what --backbone says: a function, a file, a name of Keras."""

import inspect
import pathlib
import warnings
from typing import Any

import keras

from ressl_tf.config.own_backbone import HUB, KERAS
from ressl_tf.models.backbones import hub_source
from ressl_tf.runtime import keras_archive
from ressl_tf.runtime.errors import UsageError, reason_of
from ressl_tf.runtime.nearest_names import nearest
from ressl_tf.runtime.own_code import calling, function_of

FLAG = "backbone"
OPTIONS = ("image_size", "channels")  # that a function may ask for by their names


def load(name: str, *, image_size: int | None, channels: int, weights: bool) -> Any:
    """Make the network that --backbone names.

    Args:
        name: "module:function", "file.py:function", "file.keras", "keras:NAME"
            or "hub:NAME".
        image_size: side of the images in pixels; None where views differ.
        channels: of the images.
        weights: whether the weights of others are wanted, of keras.applications or
            keras-hub.

    Returns:
        What the function returns, or a Keras model; `own.as_backbone` checks it.

    Raises:
        UsageError: there is none.
        RunError: the function raised an error of its own.
    """
    if name.endswith(".keras"):
        return _from_file(name)
    if name.startswith(KERAS):
        return _application(name.removeprefix(KERAS), channels, weights)
    if name.startswith(HUB):
        return hub_source.load(
            name.removeprefix(HUB),
            image_size=image_size,
            channels=channels,
            weights=weights,
        )
    function = function_of(FLAG, name)
    if not callable(function):
        made = type(function).__name__
        raise UsageError(
            f"--backbone={name} must name a function that returns a keras.Model, or a "
            f"subclass of it. Received: {made}"
        )
    given = {"image_size": image_size, "channels": channels}
    asked = {key: given[key] for key in OPTIONS if key in _parameters(function)}
    made = calling(FLAG, name, "the function", function)(**asked)
    if not isinstance(made, keras.layers.Layer):
        raise UsageError(
            f"--backbone={name} must return a keras.Model from images to features. "
            f"Received: {type(made).__name__}"
        )
    return made


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # of some classes in C
        return ()


def _from_file(name: str) -> keras.Model:
    if not pathlib.Path(name).is_file():
        raise UsageError(f"--backbone={name}: there is no such file, or not any more")
    try:
        keras_archive.check(name)
        return keras.saving.load_model(name, compile=False)
    except Exception as error:  # Keras raises many
        raise UsageError(
            f"--backbone={name} cannot be opened: {reason_of(error)} - where it holds "
            "layers of your own, give a function that imports them and returns "
            "keras.saving.load_model(...), as --backbone=file.py:function"
        ) from None


def _application(name: str, channels: int, weights: bool) -> keras.Model:
    """Build a network of keras.applications without its own normalisation."""
    function = getattr(keras.applications, name, None)
    names = [n for n in dir(keras.applications) if n[0].isupper()]
    if name not in names or function is None:
        raise UsageError(
            f"keras.applications has no network of this name{nearest(name, names)}. "
            f"Received: --backbone={KERAS}{name}"
        )
    options: dict[str, Any] = {
        "include_top": False,
        "weights": "imagenet" if weights else None,
        "input_shape": (None, None, channels),
    }
    if "include_preprocessing" in _parameters(function):
        options["include_preprocessing"] = False
    try:
        with warnings.catch_warnings():  # of other channels than 1 and 3
            warnings.filterwarnings("ignore", "This model usually expects")
            return function(**options)
    except Exception as error:
        why = "its weights are fetched from the network, or " if weights else ""
        raise UsageError(
            f"--backbone={KERAS}{name} cannot be built: {why}{reason_of(error)}"
        ) from None
