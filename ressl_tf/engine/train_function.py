"""What `fit` calls for each batch: the step on every replica, several at once.

Keras's own does not train on several workers, and takes more steps than an epoch has
when `steps_per_execution` does not divide it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute


class TrainFunction:
    """Takes up to `steps_per_execution` steps of an iterator.

    Args:
        model: its `train_step` returns scalars that are equal on all replicas.

    Attributes:
        waited: seconds that its steps have waited for their input, float32 [].
    """

    def __init__(self, model: keras.Model):
        self.several = model.steps_per_execution
        self.names = [metric.name for metric in model.metrics]
        self.strategy, self.step = model.distribute_strategy, model.train_step
        self.waited = tf.constant(0.0)
        self.begin(None)
        self.one, self.execute = self._one, self._execute
        if not model.run_eagerly:
            self.one = tf.function(self.one, reduce_retracing=True)
            self.execute = tf.function(self.execute, reduce_retracing=True)

    def begin(self, epoch_steps: int | None) -> None:
        """A call of `fit` begins.

        Args:
            epoch_steps: after so many an execution ends, whatever there is to come;
                None where the iterator ends with the epoch.
        """
        self.epoch_steps, self.done = epoch_steps, 0

    def __call__(self, iterator) -> dict[str, tf.Tensor]:
        if not isinstance(iterator, tf.data.Iterator | distribute.Iterator):
            return self.one(next(iterator))  # of `train_on_batch`
        count = self.several
        if self.epoch_steps:
            count = min(count, self.epoch_steps - self.done % self.epoch_steps)
        self.done += count
        logs, waited = self.execute(iterator, tf.constant(count))
        self.waited += waited
        return logs

    @tf.autograph.experimental.do_not_convert
    def _one(self, data):
        return distribute.run(self.strategy, self.step, data)

    @tf.autograph.experimental.do_not_convert
    def _execute(self, iterator, count):
        if self.several == 1:
            data, waited = _timed(lambda: next(iterator))
            with tf.control_dependencies([waited]):  # the clock is read before it
                return self._one(data), waited

        def goes_on(step, optional, *_):
            return (step < count) & optional.has_value()

        def body(step, optional, _, waited):
            with tf.control_dependencies([waited]):
                logs = self._one(optional.get_value())
            more = step + 1 < count
            follows, longer = _timed(
                lambda: tf.cond(more, iterator.get_next_as_optional, lambda: optional),
                after=list(logs.values()),
            )
            return step + 1, follows, logs, waited + longer

        logs = {name: tf.zeros([]) for name in self.names}
        first, waited = _timed(iterator.get_next_as_optional)
        start = tf.constant(0), first, logs, waited
        return tf.while_loop(goes_on, body, start)[2:]


def _timed(fetch: Callable, after: Sequence[tf.Tensor] = ()) -> tuple[Any, tf.Tensor]:
    """What `fetch` returns, and the seconds that took, once `after` is there."""
    with tf.control_dependencies(after):
        begin = tf.timestamp()
    with tf.control_dependencies([begin]):
        fetched = fetch()
    with tf.control_dependencies(tf.nest.flatten(fetched, expand_composites=True)):
        return fetched, tf.cast(tf.timestamp() - begin, tf.float32)
