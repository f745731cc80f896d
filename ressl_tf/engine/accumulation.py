"""A batch that does not fit into memory, taken in parts, one after another."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mean_over_parts(function: Callable[[Any, int], Any], batch: Any, count: int) -> Any:
    """The mean of what `function` returns for equal parts of a batch.

    A part begins when the one before is done, so that only one is in memory.

    Args:
        function: (part, its index) -> tensors, nested as you like.
        batch: tensors with the batch on axis 0, nested as you like.
        count: of the parts; 1 takes the batch as it is.
    """
    if count == 1:
        return function(batch, 0)
    total = function(_part(batch, 0, count, ()), 0)
    for index in range(1, count):
        part = _part(batch, index, count, total)
        total = tf.nest.map_structure(_add, total, function(part, index))
    return tf.nest.map_structure(lambda x: None if x is None else x / count, total)


def concat_over_parts(
    function: Callable[[tf.Tensor], tf.Tensor], batch: Any, count: int
) -> tf.Tensor:
    """What `function` returns for equal parts of a batch, put together along axis 0.

    Args:
        function: part -> tensor.
        batch: as in `mean_over_parts`.
        count: as in `mean_over_parts`.
    """
    if count == 1:
        return function(batch)
    results = []
    for index in range(count):
        results.append(function(_part(batch, index, count, results[-1:])))
    return tf.concat(results, axis=0)


def _add(total, summand):
    return None if total is None else total + summand  # a variable without gradient


def _part(batch, index, count, done):
    """Part `index`, not before `done` is there."""
    done = [tensor for tensor in tf.nest.flatten(done) if tensor is not None]
    with tf.control_dependencies(done):
        return tf.nest.map_structure(
            lambda tensor: tf.identity(tf.split(tensor, count)[index]), batch
        )
