"""Keras's and keras-cv's own layers as augmentations of a view.

Each image goes through the layer by itself, with a seed of its own: the same seed gives
the same views in whole batches, in shards of them and photo by photo. That takes longer
than the layers of `layers`, which change a batch at once.
"""

import logging
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.data.augment.seeded import (
    Samples,
    SeededAugmentation,
    to_images,
    to_planes,
)
from ressl_tf.data.augment.stateless import drawing_by, stateful_operations
from ressl_tf.data.pixel_scale import is_dim, is_foreign
from ressl_tf.runtime.errors import UsageError, reason_of

log = logging.getLogger("ressl_tf")
SIDE = 48  # of the images that a layer is tried on
TRIES = 32  # draws whose values are looked at
MIXING = ("CutMix", "FourierMix", "MixUp", "Mosaic")


@keras.saving.register_keras_serializable(package="ressl_tf")
class KerasLayer(SeededAugmentation):
    """A Keras layer that changes images, drawn by a stateless seed.

    A `View` makes it of a layer that it is given.

    Args:
        layer: from images [1, height, width, 3] on 0..255 to one of the same size, or
            to one square size for all. It is called in training mode.

    Attributes:
        size: side of the result in pixels; not there where images keep their size.

    Raises:
        UsageError: the layer cannot be used; says why.
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, keras.layers.Layer):
            raise UsageError(
                "an augmentation is a Keras layer; a function becomes one as the "
                f"`call` of a keras.layers.Layer. Received: {layer!r}"
            )
        self.layer = layer
        self._each = tf.function(self._apply_to_each, reduce_retracing=True)
        self._each._omit_frequent_tracing_warning = True  # which counts all instances
        size = _tried(self)
        if size is not None:
            self.size = size

    def get_random_transformation_batch(
        self, batch_size: Any, images: tf.Tensor, seed: tf.Tensor
    ) -> Samples:
        """Sample a seed for each image, int32 [batch, 2]."""
        return tf.random.stateless_uniform([batch_size, 2], seed, None, None, tf.int32)

    def augment_images(
        self, images: tf.Tensor, transformations: Samples, **kwargs: Any
    ) -> tf.Tensor:
        """Apply the layer to each of images [batch, height, width, 3]."""
        return self._each(tf.cast(images, tf.float32), transformations)

    def augment_planes(self, planes: tf.Tensor, transformations: Samples) -> tf.Tensor:
        """Apply the layer to each of images [batch, 3, height, width]."""
        return to_planes(self.augment_images(to_images(planes), transformations))

    def _apply_to_each(self, images: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        side = getattr(self, "size", None)
        shape = images.shape[1:] if side is None else [side, side, images.shape[3]]
        return tf.map_fn(
            lambda inputs: self.apply_to_one(*inputs),
            (images, seeds),
            fn_output_signature=tf.TensorSpec(shape, tf.float32),
        )

    def apply_to_one(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Apply the layer to one image, [height, width, 3], by its seed."""
        return _apply(self.layer, image, seed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KerasLayer":
        """Rebuild the layer from `get_config`."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def _apply(layer: keras.layers.Layer, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    options = {"training": True} if layer._call_has_training_arg else {}
    with drawing_by(layer, seed):
        images = layer(image[None], **options)
    if not isinstance(images, tf.Tensor) or images.shape[0] != 1:
        raise TypeError(f"one image becomes a {type(images).__name__} of several")
    return tf.cast(images[0], tf.float32)


def _tried(augmentation: KerasLayer) -> int | None:
    """Try the layer on images of noise; return the side of its results if it has one.

    Raises:
        UsageError: says what the layer does that a view cannot have.
    """
    layer = augmentation.layer
    for part in layer._flatten_layers():
        if type(part).__name__ in MIXING:
            raise _refusal(layer, "mixes images of a batch, and a view is of one image")
        _check_value_range(part)
    noise = np.random.default_rng(0).uniform(0, 255, (SIDE, 4 * SIDE // 3, 3))
    images = [tf.constant(noise[:, :width], tf.float32) for width in (SIDE, None)]
    seeds = tf.unstack(tf.random.stateless_uniform([4, 2], (0, 0), None, None, "int32"))
    one = augmentation.apply_to_one
    try:
        one(images[0], seeds[0])  # the first call may draw more, to build the layer
        square, wide, again = (
            [one(x, seed) for seed in seeds] for x in (*images, images[0])
        )
        spec = tf.TensorSpec(images[0].shape, tf.float32)
        graph = tf.function(one).get_concrete_function(spec, seeds[0])
    except Exception as error:
        raise _refusal(layer, f"cannot be used here: {reason_of(error)}") from None
    if layer.weights:
        raise _refusal(layer, "has weights, which the layers of a view cannot have")
    same = all(np.array_equal(*pair) for pair in zip(square, again, strict=True))
    _check_draws(layer, stateful_operations(graph), same)
    many = tf.unstack(
        tf.random.stateless_uniform([TRIES, 2], (1, 0), None, None, "int32")
    )
    _check_values(layer, [graph(images[0], seed).numpy() for seed in many])
    _check_copy(layer, images[0], seeds[0], square[0])
    return _side(layer, [x.shape for x in images], [square[0].shape, wide[0].shape])


def _refusal(layer: keras.layers.Layer, reason: str) -> UsageError:
    return UsageError(f"the augmentation {type(layer).__name__} {reason}")


def _check_copy(layer: keras.layers.Layer, image, seed, made: tf.Tensor) -> None:
    """Warn if the layer cannot be made again from what a saved model knows of it."""
    try:
        config = keras.saving.serialize_keras_object(layer)
        copy = keras.saving.deserialize_keras_object(config)
        _apply(copy, image, seed)
        if np.array_equal(_apply(copy, image, seed), made):
            return
        reason = "it makes other images"
    except Exception as error:
        reason = reason_of(error)
    log.warning(
        "%s cannot be made again from its get_config() (%s): the model trains, but a "
        ".keras file of it will not open or not go on alike",
        type(layer).__name__,
        reason,
    )


def _check_draws(layer: keras.layers.Layer, stateful: list[str], same: bool) -> None:
    if stateful or not same:
        raise _refusal(
            layer,
            "draws from a state that no seed sets, so that a run could not be repeated "
            f"({', '.join(stateful) or 'another result for the same seed'}); draw by "
            "keras.random with a keras.random.SeedGenerator of the layer",
        )


def _check_value_range(layer: keras.layers.Layer) -> None:
    """Refuse a layer, or one within it, that is told of another range of values."""
    given = getattr(layer, "value_range", None)
    if isinstance(given, list | tuple) and [float(x) for x in given] != [0.0, 255.0]:
        raise _refusal(
            layer,
            "is for values on another range, and images are on 0..255; give it "
            f"value_range=(0, 255). Received: value_range={tuple(given)}",
        )


def _check_values(layer: keras.layers.Layer, made: list[np.ndarray]) -> None:
    """Refuse a layer of which any draw, or all of them, leave the range of images."""
    ends = [(float(image.min()), float(image.max())) for image in made]
    wrong = [pair for pair in ends if is_foreign(*pair)]
    brightest = max(high for _, high in ends)
    if is_dim(brightest):  # scaled down, and not for once
        wrong.append((min(low for low, _ in ends), brightest))
    if wrong:
        low, high = wrong[0]
        raise _refusal(
            layer,
            f"makes values from {low:.4g} to {high:.4g} of images on 0..255, which "
            "views are, too; a value_range or scale of it may be for another range",
        )


def _side(layer: keras.layers.Layer, given: list, made: list) -> int | None:
    if made == given:
        return None
    shape = tuple(made[0])
    if made[0] == made[1] and shape == (shape[0], shape[0], 3):
        return shape[0]
    raise _refusal(
        layer,
        "must return images of the same size, or of one square size for all, with 3 "
        f"channels. Received: {tuple(made[1])} of {tuple(given[1])}",
    )
