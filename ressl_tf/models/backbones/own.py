"""A user's own network as a backbone: one functional model from images to features.

Feature maps are pooled, a `Sequential` without an input is built, and a subclassed
model or a layer is called once, symbolically. What cannot be a backbone is refused with
what was given and how to get there.
"""

import functools
import logging
from collections.abc import Sequence
from typing import Any

import keras

from ressl_tf.config.backbone_table import NAMES, check_patches
from ressl_tf.models.backbones.structure import embedding_of
from ressl_tf.runtime.errors import UsageError, reason_of

log = logging.getLogger("ressl_tf")
NORMALIZING = (keras.layers.Rescaling, keras.layers.Normalization)


def as_backbone(network: Any, sides: Sequence[int], channels: int = 3) -> keras.Model:
    """Return a functional model from normalised images to features [batch, f].

    Args:
        network: a Keras model or layer. Its layers and weights are those of the result.
        sides: those of the views in pixels.
        channels: of the images.

    Raises:
        UsageError: it is none, or does not map images of these sizes to features.
    """
    if not isinstance(network, keras.layers.Layer):
        shown = getattr(network, "__name__", repr(network))
        raise UsageError(
            f"a backbone is one of {', '.join(NAMES)}, or a Keras model from images to "
            "features, such as keras.applications.ResNet50(include_top=False, "
            f"weights=None). Received: {shown}"
        )
    side = sides[0] if len(set(sides)) == 1 else None
    model = _with_inputs(network, (side, side, channels))
    _check_inputs(model, sides, channels)
    if embedding := embedding_of(model):
        check_patches(model.name, embedding.patch, sides)
    return _with_features(model)


def _with_inputs(
    network: keras.layers.Layer, shape: tuple[int | None, int | None, int]
) -> keras.Model:
    """Return a network whose inputs and outputs are known."""
    if getattr(network, "inputs", None):
        return _with_bare_tensors(network)
    try:
        if isinstance(network, keras.Sequential):
            network.build((None, *shape))
            return network
        images = keras.Input(shape, name="images")
        return keras.Model(images, network(images), name=network.name)
    except Exception as error:
        size = shape[0] or "any"
        raise UsageError(
            f"the backbone {network.name} cannot be called on images "
            f"[batch, {size}, {size}, {shape[2]}]: {reason_of(error)}"
        ) from None


def _with_bare_tensors(model: keras.Model) -> keras.Model:
    """Return a model whose only input and output stand in no list or dict."""
    single = len(model.inputs) == len(model.outputs) == 1
    if not single or isinstance(model, keras.Sequential):
        return model
    if all(isinstance(end, keras.KerasTensor) for end in (model.input, model.output)):
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _check_inputs(model: keras.Model, sides: Sequence[int], channels: int) -> None:
    given = model.input_shape
    of_images = isinstance(given, tuple) and len(given) == 4
    if not of_images or given[-1] not in (channels, None):
        hint = f", or channels={given[-1]} be given" if of_images else ""
        raise UsageError(
            f"the backbone {model.name} must take images [batch, height, width, "
            f"{channels}]{hint}. Received: a model that takes {given}"
        )
    if any(fixed not in (None, side) for fixed in given[1:3] for side in sides):
        height, width = given[1:3]
        views = ", ".join(map(str, sorted(set(sides))))
        raise UsageError(
            f"the backbone {model.name} takes images of {height} x {width} alone, and "
            f"the views have sides of {views}: give the same image_size, or a backbone "
            "of Input((None, None, channels)). Received: input_shape="
            f"{given[1:]}"
        )


def _with_features(model: keras.Model) -> keras.Model:
    made = model.output_shape
    vectors = isinstance(made, tuple) and all(isinstance(n, int) for n in made[1:])
    if vectors and len(made) == 2:
        return model
    if isinstance(made, tuple) and len(made) == 4 and made[-1]:
        pooled = keras.layers.GlobalAveragePooling2D(name="feature_pooling")
        return keras.Model(model.inputs, pooled(model.outputs[0]), name=model.name)
    raise UsageError(
        f"the backbone {model.name} must return features [batch, f] of a known length, "
        "or a feature map [batch, height, width, f], which is pooled; end it with "
        "keras.layers.GlobalAveragePooling1D() or a layer that picks one output. "
        f"Received: a model that returns {made}"
    )


def warn_of_own_normalization(
    model: keras.Model, mean: Sequence[float], std: Sequence[float]
) -> None:
    """Warn if a backbone would normalise images that the encoder has normalised.

    Args:
        model: the backbone.
        mean: the encoder's, on 0..1.
        std: the encoder's, on 0..1.
    """
    pairs = zip(mean, std, strict=True)
    raw = all(abs(m) < 1e-6 and abs(255 * s - 1) < 1e-3 for m, s in pairs)
    if found := [] if raw else _normalizing(model)[0]:
        names = dict.fromkeys(type(layer).__name__ for layer in found)
        _warn_once(model.name, ", ".join(names))


@functools.cache
def _warn_once(name: str, layers: str) -> None:
    log.warning(
        "the backbone %s normalises images itself (%s), and the encoder has done so "
        "before: make it with include_preprocessing=False, or hand it raw images by "
        "mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255)",
        name,
        layers,
    )


def _normalizing(model: keras.Model) -> tuple[list[keras.layers.Layer], bool]:
    """Return layers that normalise, before any that learns, and whether one does."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, NORMALIZING):
            found.append(layer)
        elif isinstance(layer, keras.Model):
            inner, learns = _normalizing(layer)
            found += inner
            if learns:
                return found, True
        elif layer.weights:
            return found, True
    return found, False
