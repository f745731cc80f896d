"""The target network: an exact copy at the start, then a moving average."""

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute


def make_target(online: keras.layers.Layer) -> keras.layers.Layer:
    """Copy `online` into a second network with the same values and nothing to train.

    Its variables are marked, not the layer: `layer.trainable = False` would put batch
    normalisation into inference mode, and the target's uses batch statistics, where
    `online` is frozen, too.

    Args:
        online: a built layer that `from_config(get_config())` can rebuild.
    """
    config = online.get_config()
    target = type(online).from_config({**config, "name": f"target_{online.name}"})
    copy(online, target)
    for part in target._flatten_layers():  # a loaded Sequential does not pass it on
        part.trainable = True
    for variable in target.variables:
        variable.trainable = False
    return target


def copy(online: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Copy every variable, batch statistics included."""
    for source, destination in zip(online.variables, target.variables, strict=True):
        destination.assign(source)


def update(
    online: keras.layers.Layer, target: keras.layers.Layer, momentum: float | tf.Tensor
) -> None:
    """Set target to momentum * target + (1 - momentum) * online.

    Only parameters are averaged, frozen ones too: the target's batch statistics are its
    own. Equal values stay equal to the bit.
    """
    learned = {id(v) for v in _parameters(online)}
    pairs = [
        (source, destination)
        for source, destination in zip(online.variables, target.variables, strict=True)
        if id(source) in learned
    ]
    rate = tf.cast(1.0 - momentum, tf.float32)

    def step(variable: tf.Variable, source: tf.Tensor) -> None:
        tf.raw_ops.ResourceApplyGradientDescent(  # variable -= alpha * delta, at once
            var=variable.handle,
            alpha=tf.cast(rate, variable.dtype),
            delta=variable - source,
        )

    sources, destinations = zip(*pairs, strict=True)
    distribute.update_each(step, destinations, [v.value for v in sources])


def _parameters(network: keras.layers.Layer) -> list[keras.Variable]:
    """List what gradients move, whether frozen or not: no batch statistics."""
    parts = network._flatten_layers()
    return [v for part in parts for v in part._trainable_variables]
