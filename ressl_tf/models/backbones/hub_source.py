"""Networks of keras-hub by the name of a preset, as --backbone=hub:NAME names them."""

import importlib
import os
from typing import Any

import keras

from ressl_tf.config.own_backbone import HUB
from ressl_tf.runtime.errors import UsageError, reason_of
from ressl_tf.runtime.nearest_names import nearest

INSTALL = "pip install 'ressl_tf[hub]'"


def library() -> Any:
    """Import keras-hub, which makes its classes known to Keras.

    Raises:
        UsageError: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        missing = getattr(error, "name", "") == "keras_hub"
        reason = "" if missing else f" ({reason_of(error)})"
        raise UsageError(
            f"--backbone={HUB}NAME needs keras-hub: {INSTALL}{reason}"
        ) from None


def load(
    name: str, *, image_size: int | None, channels: int, weights: bool
) -> keras.Model:
    """Build the network of a preset for images of this size.

    Its configuration, and weights where they are wanted, are fetched from the network
    unless they are in the cache of keras-hub, or the preset is a folder.

    Args:
        name: of a preset, or the path of a folder that `save_to_preset` wrote.
        image_size: side of the images in pixels; None where views differ.
        channels: of the images.
        weights: whether those of the preset are wanted.

    Returns:
        A model whose output is a map, a vector, or the mean of the tokens [batch, f].

    Raises:
        UsageError: keras-hub is not there, or the preset cannot be had.
    """
    presets = library().models.Backbone.presets
    if not os.path.isdir(name) and "://" not in name and name not in presets:
        raise UsageError(
            f"keras-hub has no preset of this name{nearest(name, list(presets))}, and "
            f"there is no such folder. Received: --backbone={HUB}{name}"
        )
    try:
        made = library().models.Backbone.from_preset(
            name, load_weights=weights, image_shape=(image_size, image_size, channels)
        )
    except Exception as error:  # keras-hub and its ways to fetch raise many
        raise UsageError(_reason(name, error)) from None
    return _without_tokens(made)


def _reason(name: str, error: Exception) -> str:
    where = (
        ""
        if os.path.isdir(name)
        else (
            "its configuration and weights are fetched from the network once, into the "
            "cache of keras-hub; "
        )
    )
    return f"--backbone={HUB}{name} cannot be built: {where}{reason_of(error)}"


def _without_tokens(model: keras.Model) -> keras.Model:
    """Return a model whose tokens [batch, n, f] are averaged."""
    output = model.output
    if not isinstance(output, keras.KerasTensor) or len(output.shape) != 3:
        return model
    pooled = keras.layers.GlobalAveragePooling1D(name="token_pooling")(output)
    return keras.Model(model.inputs[0], pooled, name=model.name)
