"""Steps that end in NaN: noticed, named, and taken back where that is asked for."""

import keras
import tensorflow as tf

from ressl_tf.engine import snapshot
from ressl_tf.runtime import distribute


class NaNGuard:
    """Looks at a model after each of its steps: are weights and running means finite?

    It takes the place of `model.train_step` and calls that. With `skip`, a step after
    which they are not is taken back inside the same graph: weights, batch statistics,
    target, queues, optimizer and running means are as before it, to the bit. What
    counts steps goes on, the model's `step` and the optimizer's `iterations`: the data
    and the schedules of the steps that follow are those they would have been.

    Args:
        model: compiled, its optimizer built; it gets the attribute `guard`.
        skip: whether to take such steps back.

    Attributes:
        bad_steps: how many there were, int64; a part of checkpoints, as the next two.
        bad_in_row: how many were the last ones, without a good one since.
        last_bad_step: number of the last, counted from 1.
    """

    def __init__(self, model: keras.Model, skip: bool):
        self.model, self.skip = model, skip
        self.bad_steps = _counter("bad_steps")
        self.bad_in_row = _counter("bad_in_row")
        self.last_bad_step = _counter("last_bad_step")
        self._step = model.train_step
        model.train_step = self.train_step
        model.guard = self

    @property
    def variables(self) -> list[keras.Variable]:
        """The three counters."""
        return [self.bad_steps, self.bad_in_row, self.last_bad_step]

    def train_step(self, data):
        """One step of the model, or none; returns the running means."""
        model, before = self.model, []
        if self.skip:
            before = snapshot.state(model)
            before += snapshot.copies(model.metrics_variables)
        logs = self._step(data)
        finite = self._finite()
        if self.skip:
            snapshot.restore_unless(finite, before)
            logs = {metric.name: metric.result() for metric in model.metrics}
        self._count(finite)
        return logs

    def _finite(self):
        """Whether all replicas' are: a bool scalar.

        The target is an average of weights that were looked at, and what it makes of
        its views is in the loss: it need not be read for this.
        """
        trained = [n for name, n in self.model.networks.items() if name != "target"]
        looked_at = [variable for network in trained for variable in network.variables]
        looked_at += self.model.metrics_variables
        finite = [tf.reduce_all(tf.math.is_finite(variable)) for variable in looked_at]
        finite = tf.reduce_all(tf.stack(finite))
        replicas = distribute.gather(tf.cast(finite, tf.int32)[None])  # bool cannot be
        return tf.reduce_all(replicas == 1)

    def _count(self, finite):
        bad = tf.cast(~finite, tf.int64)
        step = tf.convert_to_tensor(self.model.step)
        last = tf.where(finite, self.last_bad_step, step)
        values = [self.bad_steps + bad, (self.bad_in_row + bad) * bad, last]
        distribute.update_each(_assign, self.variables, values)


def _counter(name):
    return keras.Variable(0, dtype="int64", trainable=False, name=name)


def _assign(variable, value):
    variable.assign(value)
