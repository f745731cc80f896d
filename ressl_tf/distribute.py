"""Strategies by name and what a step does across replicas.

The only importer of `tf.distribute`. On one device everything here is the identity.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from ressl_tf.errors import UsageError

STRATEGIES = ("auto", "one", "mirrored")


def strategy(name: str) -> tf.distribute.Strategy:
    """The strategy called `name`.

    Args:
        name: "one" (the first GPU, or the CPU), "mirrored" (all GPUs, or all logical
            CPUs), or "auto" (mirrored where there is more than one GPU, else one).

    Raises:
        UsageError: for another name.
    """
    if name not in STRATEGIES:
        raise UsageError(
            f"--strategy must be one of {', '.join(STRATEGIES)}. Received: {name}"
        )
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def devices() -> str:
    """The devices there are, for people."""
    names = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices()
    return ", ".join(device.name.removeprefix("/device:") for device in names)


def num_replicas() -> int:
    """Replicas of the current strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id() -> tf.Tensor | int:
    """Which replica this code runs on; 0 outside a replica."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def gather(values: tf.Tensor) -> tf.Tensor:
    """Concatenates `values` of all replicas along axis 0, in replica order."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_gather(values, axis=0)


def update_each(
    function: Callable[..., None], variables: Sequence, *values: Sequence
) -> None:
    """Calls `function(variable, *value)` on every replica's own copy.

    Args:
        function: assigns to the `tf.Variable` it is given.
        variables: Keras variables.
        values: sequences as long as `variables`; each replica passes its own.
    """
    native = [variable.value for variable in variables]

    def update(distribution, *values):
        for variable, *arguments in zip(native, *values, strict=True):
            distribution.extended.update(
                variable, function, args=tuple(arguments), group=False
            )

    tf.__internal__.distribute.interim.maybe_merge_call(
        update, tf.distribute.get_strategy(), *values
    )
