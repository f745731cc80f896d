"""A user's network made fit for a run: scopes, dropout by step, weights by seed.

The network is copied layer by layer, networks inside it too. Stock batch normalisation
becomes ours with the run's scope, stock dropout `StepDropout`. What lies inside a layer
or model that is a class of its own cannot be exchanged: batch normalisation there stays
as it is, and what draws there is refused, for the run could not be resumed exactly.
"""

import dataclasses
import logging
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ressl_tf.models import copying
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.step_draws import StepDropout
from ressl_tf.runtime.errors import UsageError, reason_of

log = logging.getLogger("ressl_tf")
STOCK_NORM = keras.layers.BatchNormalization
SPATIAL = {  # -> the mask's axes, channels last
    keras.layers.SpatialDropout1D: (None, 1, None),
    keras.layers.SpatialDropout2D: (None, 1, 1, None),
}
TRIED_SIDE = 64  # pixels, of a network for any size


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A network that a run can train.

    Attributes:
        network: from normalised images to features.
        scoped: names of batch normalisations that got the run's scope.
        left: names of those that stay as they are.
        dropping: names of layers that drop by the step's seed.
    """

    network: keras.Model
    scoped: tuple[str, ...]
    left: tuple[str, ...]
    dropping: tuple[str, ...]


def prepare(
    network: keras.Model, batch_norm: str, keep_weights: bool, seed: int
) -> Prepared:
    """Copy a functional model with the run's batch normalisation and dropout.

    Args:
        network: as of `own.as_backbone`.
        batch_norm: scope of the statistics.
        keep_weights: whether the copy has the network's weights; else they are drawn.
        seed: of the weights, where they are drawn.

    Raises:
        UsageError: it cannot be copied, or draws where it cannot be told from what.
    """
    before = _inner(network)
    copied = _copy(network, batch_norm, keep_weights, seed)
    _refuse_generators(copied)
    _refuse_adapted(copied)
    parts = _inner(copied)
    norms = [layer for layer in parts if isinstance(layer, STOCK_NORM)]
    ours = [layer.name for layer in before if isinstance(layer, BatchNormalization)]
    scoped = [layer.name for layer in norms if isinstance(layer, BatchNormalization)]
    return Prepared(
        copied,
        tuple(name for name in scoped if name not in ours),
        tuple(n.name for n in norms if not isinstance(n, BatchNormalization)),
        tuple(part.name for part in parts if isinstance(part, StepDropout)),
    )


def _copy(network: keras.Model, batch_norm: str, keep: bool, seed: int) -> keras.Model:
    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return _exchanged(layer, batch_norm)

    keras.utils.set_random_seed(seed)  # the user's code may have set another
    try:
        with copying.of(network):
            copied = keras.models.clone_model(
                network, clone_function=clone, recursive=True
            )
        if keep:
            _copy_weights(network, copied)
    except Exception as error:
        raise UsageError(
            f"the backbone {network.name} cannot be copied: {reason_of(error)} - let "
            "each class of it have an __init__ with **kwargs for super().__init__, and "
            "a get_config() with its own arguments"
        ) from None
    return copied


def _copy_weights(network: keras.Model, copied: keras.Model) -> None:
    for mine, its in zip(_inner(network), _inner(copied), strict=True):
        if not isinstance(mine, keras.layers.Normalization):
            for source, target in zip(_own(mine), _own(its), strict=True):
                target.assign(source)


def _own(layer: keras.layers.Layer) -> list[keras.Variable]:
    """List the variables of a layer itself, without those of layers in it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def _exchanged(layer: keras.layers.Layer, batch_norm: str) -> keras.layers.Layer:
    config = layer.get_config()
    if type(layer) is keras.layers.Normalization and layer.input_mean is None:
        measured = {key: np.ravel(getattr(layer, key)) for key in ("mean", "variance")}
        return keras.layers.Normalization.from_config({**config, **measured})
    if type(layer) is STOCK_NORM and _can_have_scope(layer):
        taken = ("name", "momentum", "epsilon", "center", "scale", "trainable", "dtype")
        made = {key: config[key] for key in taken}
        return BatchNormalization(batch_norm, **made)
    if isinstance(layer, BatchNormalization):
        return BatchNormalization.from_config({**config, "scope": batch_norm})
    if shape := _dropped_together(layer):
        return StepDropout(config["rate"], shape[0], name=layer.name)
    return layer.__class__.from_config(config)


def _can_have_scope(layer: keras.layers.BatchNormalization) -> bool:
    rank = len(layer.input.shape)
    return layer.axis in (-1, rank - 1) and rank in (2, 4) and not layer.renorm


def _dropped_together(layer: keras.layers.Layer) -> tuple[Any, ...]:
    """Return (shape of the mask,) of a stock dropout; () of any other layer."""
    if type(layer) is keras.layers.Dropout:
        return (layer.noise_shape,)
    return (SPATIAL[type(layer)],) if type(layer) in SPATIAL else ()


def _inner(network: keras.Model) -> list[keras.layers.Layer]:
    """List all layers with no layers in them, in order; inputs are none."""
    parts = network._flatten_layers(include_self=False)
    return [part for part in parts if not isinstance(part, keras.layers.InputLayer)]


def _refuse_adapted(network: keras.Model) -> None:
    """Refuse measured statistics that a copy, such as the target, would not have."""
    for part in _inner(network):
        if isinstance(part, keras.layers.Normalization) and part.input_mean is None:
            raise UsageError(
                f"the backbone {network.name} has statistics by adapt() inside a class "
                "of its own, which its moving average would not get: give the layer "
                f"its mean and variance, or leave it out. Received: {part.name}"
            )


def _refuse_generators(network: keras.Model) -> None:
    """Refuse layers whose draws a run could not repeat when it is resumed."""
    parts = [part for part in _inner(network) if _generators(part)]
    drawing = [f"{part.name} ({type(part).__name__})" for part in parts]
    if drawing:
        raise UsageError(
            f"the backbone {network.name} draws at random from a state of its own, so "
            "that a run could not be resumed exactly: leave it out, set its "
            "rate to 0, or put keras.layers.Dropout directly into a functional or "
            f"Sequential model, which then draws by the step. Received: {drawing[0]}"
            f"{f' and {len(drawing) - 1} more' * (len(drawing) > 1)}"
        )


def _generators(part: keras.layers.Layer) -> list[Any]:
    """List the generators of a layer that draws; of rate 0 it does not."""
    if getattr(part, "rate", None) == 0:
        return []
    made = [v for v in vars(part).values() if isinstance(v, keras.random.SeedGenerator)]
    return made if getattr(part, "dropout", 1) != 0 else []


def refuse_hidden_draws(network: keras.Model) -> None:
    """Refuse a network that gives the same images other features in training.

    Args:
        network: prepared; its weights stay as they are.

    Raises:
        UsageError: something in it draws, or counts.
    """
    shape = [side or TRIED_SIDE for side in network.input_shape[1:]]
    images = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    before = [variable.numpy() for variable in network.variables]
    one, other = (network(tf.constant(images), training=True) for _ in range(2))
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    if not np.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True):
        raise UsageError(
            f"the backbone {network.name} gives other features in training when it "
            "sees the same images again: something in it draws at random or counts its "
            "calls, so that a run could not be resumed exactly; leave it out"
        )


def report(prepared: Prepared, batch_norm: str) -> list[str]:
    """Return lines on what was exchanged and what stays."""
    lines = []
    if prepared.scoped:
        lines.append(
            f"batch normalisations of your network that have the run's scope, "
            f"--batch_norm={batch_norm}: {len(prepared.scoped)}"
        )
    if prepared.left:
        lines.append(
            "batch normalisations of your network that stay as they are, with "
            "statistics of a device's batch, as they lie in a layer or model that is "
            f"a class of its own, or have another axis: {len(prepared.left)} "
            f"({prepared.left[0]})"
        )
    if prepared.dropping:
        lines.append(
            "dropout layers of your network, which drop by the seed of the step in the "
            f"student alone: {len(prepared.dropping)}"
        )
    return lines
