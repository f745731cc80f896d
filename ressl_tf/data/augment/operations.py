"""Operations of the compiled loop, and the plan of those sampled for each image."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from ressl_tf.data.augment import color
from ressl_tf.data.augment import layers as augment
from ressl_tf.data.augment.seeded import Samples, SeededAugmentation

BRIGHTNESS, CONTRAST, SATURATION, HUE, GREY, BLUR, SOLARIZE = COLOURS = range(7)
TRANSPOSE, ROTATE = range(7, 9)
OPERATIONS = (*COLOURS, TRANSPOSE, ROTATE)

# Operations, int32 [batch, most]; their amounts, float32 [batch, most]; how many of
# these each image has, int32 [batch]. Empty where there are no layers.
Plans: TypeAlias = tuple[tf.Tensor, ...]
Layers: TypeAlias = Sequence[SeededAugmentation]


def after_crop(geometric: Layers, photometric: Layers) -> Layers:
    """List the layers with operations for the loop: the crop too, where it turns."""
    turning = [crop for crop in geometric if used_by([crop])]
    return (*turning, *photometric)


def plan_after_crop(
    geometric: Layers, photometric: Layers, cropped: Samples, samples: Sequence[Samples]
) -> Plans:
    """Plan what follows a view's crop, for the layers of `after_crop`.

    Args:
        geometric: one crop, or nothing.
        photometric: as in `plan`.
        cropped: the crop's sample.
        samples: of the photometric layers, as in `plan`.
    """
    layers = after_crop(geometric, photometric)
    turned = [cropped] * (len(layers) - len(photometric))
    return plan(layers, [*turned, *samples]) if layers else ()


def plan(layers: Layers, samples: Sequence[Samples]) -> Plans:
    """List the operations of every image in their order, from the layers' samples.

    Args:
        layers: at least one.
        samples: their transformations of a batch, from their `sample`.

    Returns:
        Operations, int32 [batch, most]; their amounts, float32 [batch, most]; how many
        of these each image has, int32 [batch].
    """
    pairs = zip(layers, samples, strict=True)
    plans = [PLANS[type(layer)](layer, sample) for layer, sample in pairs]
    kinds, amounts, on = (tf.concat(x, axis=1) for x in zip(*plans, strict=True))
    order = tf.argsort(
        tf.cast(~on, tf.int32), axis=1, stable=True
    )  # those that run first
    kinds, amounts = (tf.gather(x, order, batch_dims=1) for x in (kinds, amounts))
    return kinds, amounts, tf.reduce_sum(tf.cast(on, tf.int32), axis=1)


def _plan_jitter(layer: SeededAugmentation, sample: Samples) -> list[tf.Tensor]:
    batch = tf.shape(sample["shift"])[0]
    hue_place = color.hue_places(**sample)[:, None]
    places = tf.concat([tf.tile([[0, 2, 4]], [batch, 1]), 2 * hue_place - 1], axis=1)
    order = tf.argsort(places)
    kinds = tf.concat([sample["kinds"], tf.fill([batch, 1], HUE)], axis=1)
    amounts = tf.concat([sample["factors"], sample["shift"][:, None]], axis=1)
    on = amounts != [1.0, 1.0, 1.0, 0.0]
    return [tf.gather(x, order, batch_dims=1) for x in (kinds, amounts, on)]


def _plan_turns(sample: Samples) -> list[tf.Tensor]:
    """List what a crop does after it was resampled, as `turns.apply` does."""
    plans = []
    if "transposed" in sample:
        plans.append(_plan_one(TRANSPOSE, 0.0, sample["transposed"]))
    if "angle" in sample:
        every = tf.ones_like(sample["mirrored"])
        plans.append(_plan_one(ROTATE, sample["angle"], every))
    return [tf.concat(parts, axis=1) for parts in zip(*plans, strict=True)]


def _plan_one(
    kind: int, amount: float | tf.Tensor, chosen: tf.Tensor
) -> list[tf.Tensor]:
    kinds = tf.fill([tf.size(chosen), 1], kind)
    amounts = tf.broadcast_to(amount, tf.shape(chosen))[:, None]
    return [kinds, amounts, chosen[:, None]]


# Layer and its sample -> three [batch, n]: operations, amounts, and whether they run.
PLANS: dict[type, Callable[[Any, Samples], list[tf.Tensor]]] = {
    augment.ColorJitter: _plan_jitter,
    augment.RandomGrayscale: lambda layer, chosen: _plan_one(GREY, 0.0, chosen),
    augment.GaussianBlur: lambda layer, sample: _plan_one(
        BLUR, sample["sigma"], sample["drawn"]
    ),
    augment.RandomSolarize: lambda layer, chosen: _plan_one(
        SOLARIZE, float(layer.threshold), chosen
    ),
    augment.RandomResizedCrop: lambda layer, sample: _plan_turns(sample),
}
USES: dict[type, tuple[int, ...]] = {
    augment.ColorJitter: (BRIGHTNESS, CONTRAST, SATURATION, HUE),
    augment.RandomGrayscale: (GREY,),
    augment.GaussianBlur: (BLUR,),
    augment.RandomSolarize: (SOLARIZE,),
}


def used_by(layers: Layers) -> frozenset[int]:
    """List the operations that layers can need."""
    return frozenset(kind for layer in layers for kind in _uses(layer))


def _uses(layer: SeededAugmentation) -> tuple[int, ...]:
    if not isinstance(layer, augment.RandomResizedCrop):
        return USES[type(layer)]
    turns = (
        TRANSPOSE if layer.quarter_turns else None,
        ROTATE if layer.rotation else None,
    )
    return tuple(kind for kind in turns if kind is not None)
