"""The function that `fit` calls for each batch: one step or several, on all replicas.

That of `evaluate` is another one of the kind.

Keras's own does not train on several workers, and takes more steps than an epoch has
when `steps_per_execution` does not divide it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute

Logs = dict[str, tf.Tensor]


class TrainFunction:
    """A call that takes up to `steps_per_execution` steps on batches of an iterator.

    Args:
        model: what is trained or evaluated; its `check_inputs` is called after the
            first batches.
        step: its `train_step` or `test_step`, which returns scalars that are equal on
            all replicas.

    Attributes:
        steps_per_execution: the most steps that a call takes.
        single_step: takes one step on a batch that is given.
        input_wait: seconds that all steps so far waited for their input, float32 [].
    """

    def __init__(self, model: keras.Model, step: Callable[[Any], Logs]):
        self.steps_per_execution = model.steps_per_execution
        self.names = [metric.name for metric in model.metrics]
        self.check_inputs = model.check_inputs
        self.strategy, self.step = model.distribute_strategy, step
        self.input_wait = tf.constant(0.0)
        self.begin(None)
        self.single_step, self.execute = self._single_step, self._execute
        if not model.run_eagerly:
            self.single_step = tf.function(self.single_step, reduce_retracing=True)
            self.execute = tf.function(self.execute, reduce_retracing=True)

    def begin(self, steps_per_epoch: int | None) -> None:
        """Start a call of `fit` or `evaluate`: no step of it is taken yet.

        Args:
            steps_per_epoch: an execution ends with the epoch, whatever there is to
                come; None where the iterator ends with the epoch.
        """
        self.steps_per_epoch, self.steps = steps_per_epoch, 0
        self.checked = False

    def __call__(self, iterator: Any) -> Logs:
        """Take the next steps.

        Args:
            iterator: of batches; that of `train_on_batch` is a Python generator.

        Returns:
            Metric name -> float32 scalar, after the last of these steps.
        """
        logs = self._execute_some(iterator)
        if not self.checked:
            self.check_inputs()
            self.checked = True
        return logs

    def _execute_some(self, iterator: Any) -> Logs:
        if not isinstance(iterator, tf.data.Iterator | distribute.Iterator):
            return self.single_step(next(iterator))  # of `train_on_batch`
        count = self.steps_per_execution
        if self.steps_per_epoch:
            count = min(count, self.steps_per_epoch - self.steps % self.steps_per_epoch)
        self.steps += count
        logs, waited = self.execute(iterator, tf.constant(count))
        self.input_wait += waited
        return logs

    @tf.autograph.experimental.do_not_convert
    def _single_step(self, batch: Any) -> Logs:
        return distribute.run(self.strategy, self.step, batch)

    @tf.autograph.experimental.do_not_convert
    def _execute(self, iterator: Any, count: tf.Tensor) -> tuple[Logs, tf.Tensor]:
        """Take up to `count` steps; return the last logs and the seconds waited."""
        if self.steps_per_execution == 1:
            batch, waited = _timed(lambda: next(iterator))
            with tf.control_dependencies([waited]):  # the clock is read before the step
                return self._single_step(batch), waited

        # A loop of steps inside one graph: Python calls it once for all of them.
        # The wait for input is timed outside the step, after one and before the next.
        # The next batch is an optional, so that a short last execution ends cleanly.
        def goes_on(taken, batch, logs, waited):
            return (taken < count) & batch.has_value()

        def take_step(taken, batch, logs, waited):
            with tf.control_dependencies([waited]):  # as above
                logs = self._single_step(batch.get_value())
            more = taken + 1 < count
            following, longer = _timed(
                lambda: tf.cond(more, iterator.get_next_as_optional, lambda: batch),
                after=list(logs.values()),
            )
            return taken + 1, following, logs, waited + longer

        logs = {name: tf.zeros([]) for name in self.names}
        batch, waited = _timed(iterator.get_next_as_optional)
        start = tf.constant(0), batch, logs, waited
        _, _, logs, waited = tf.while_loop(goes_on, take_step, start)
        return logs, waited


def _timed(
    fetch: Callable[[], Any], after: Sequence[tf.Tensor] = ()
) -> tuple[Any, tf.Tensor]:
    """Call `fetch` and time it.

    Args:
        fetch: returns tensors, nested or in an optional.
        after: tensors that are computed before the clock starts.

    Returns:
        The result, and the seconds until it was there, float32 [].
    """
    with tf.control_dependencies(after):
        begin = tf.timestamp()
    with tf.control_dependencies([begin]):
        fetched = fetch()
    with tf.control_dependencies(tf.nest.flatten(fetched, expand_composites=True)):
        return fetched, tf.cast(tf.timestamp() - begin, tf.float32)
