"""A batch that does not fit into memory, taken in micro-batches one after another."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mean_over_micro_batches(
    function: Callable[[Any, int], Any], batch: Any, count: int
) -> Any:
    """Return the mean of what `function` returns for equal micro-batches of a batch.

    A micro-batch begins when the one before is done: only one is in memory.

    Args:
        function: (micro-batch, its index) -> tensors, nested as you like.
        batch: tensors with the batch on axis 0, nested as you like.
        count: number of micro-batches; 1 takes the batch as it is.
    """
    if count == 1:
        return function(batch, 0)
    total = function(_micro_batch(batch, 0, count, ()), 0)
    for index in range(1, count):
        following = _micro_batch(batch, index, count, total)
        total = tf.nest.map_structure(_add, total, function(following, index))
    return tf.nest.map_structure(lambda x: None if x is None else x / count, total)


def concat_over_micro_batches(
    function: Callable[[Any], tf.Tensor], batch: Any, count: int
) -> tf.Tensor:
    """Concatenate what `function` returns for equal micro-batches, along axis 0.

    Args:
        function: micro-batch -> tensor.
        batch: as in `mean_over_micro_batches`.
        count: as in `mean_over_micro_batches`.
    """
    if count == 1:
        return function(batch)
    results: list[tf.Tensor] = []
    for index in range(count):
        results.append(function(_micro_batch(batch, index, count, results[-1:])))
    return tf.concat(results, axis=0)


def _add(total, summand):
    return None if total is None else total + summand  # a variable without gradient


def _micro_batch(batch, index, count, done):
    """Return a micro-batch, not before the tensors in `done` are there."""
    done = [tensor for tensor in tf.nest.flatten(done) if tensor is not None]
    with tf.control_dependencies(done):
        return tf.nest.map_structure(
            lambda tensor: tf.identity(tf.split(tensor, count)[index]), batch
        )
