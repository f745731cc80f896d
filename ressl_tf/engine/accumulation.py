"""Means over micro-batches, for a batch that does not fit into memory at once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mean_over_micro_batches(
    function: Callable[[Any, int], Any], batch: Any, count: int
) -> Any:
    """Call `function` on equal micro-batches of a batch and average its results.

    A micro-batch starts when the one before is done: only one is in memory.

    Args:
        function: (micro-batch, its index) -> a nested structure of tensors; None in it
            stays None.
        batch: a nested structure of tensors with the batch on axis 0.
        count: number of micro-batches; 1 passes the batch as it is.

    Returns:
        The structure that `function` returns, of means.
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
    """Call `function` on equal micro-batches and concatenate its results on axis 0.

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


def _add(total: tf.Tensor | None, summand: tf.Tensor) -> tf.Tensor | None:
    return None if total is None else total + summand  # a variable without gradient


def _micro_batch(batch: Any, index: int, count: int, done: Any) -> Any:
    """Return a micro-batch, once the tensors in `done` are computed."""
    done = [tensor for tensor in tf.nest.flatten(done) if tensor is not None]
    with tf.control_dependencies(done):
        return tf.nest.map_structure(
            lambda tensor: tf.identity(tf.split(tensor, count)[index]), batch
        )
