"""Skip steps with non-finite values: restore all state except the step counters.

A model calls `begin` before a step changes anything and `end` when it has changed all:

    before = self.guard.begin(self)
    ...                                       # the step, its running means included
    finite = self.guard.end(self, before, gradients)

Step and schedules go on with the data: a run has as many steps as it was planned for,
however many of them were skipped.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ressl_tf.engine import precision
from ressl_tf.runtime import distribute

State = list[tuple[keras.Variable, tf.Tensor]]
ACTIONS = ("ignore", "stop", "skip")


class NonfiniteGuard:
    """The policy for steps that end in NaN or infinity: count, undo, or ignore them.

    Two things are checked. A step whose *gradients* overflow in float16 is undone; it
    belongs to dynamic loss scaling and is not counted. A step after which a *weight or
    a running mean* is not finite is counted, and undone if `action` is "skip". Either
    way the state before the step is copied once: weights, batch statistics, target,
    queues, optimizer and running means come back to the bit. The step counters go on,
    the model's `step` and the optimizer's `iterations`, and so does the loss scale: the
    data and schedules of the steps that follow are those they would have been.

    Args:
        action: "ignore": weights are not checked; "stop": such steps are counted, and
            a callback ends the run; "skip": they are counted and undone.
        undo_overflow: whether steps with non-finite gradients are undone.

    Attributes:
        bad_steps: number of counted steps, int64; part of checkpoints, as the next two.
        bad_in_row: number of counted steps since the last finite one.
        last_bad_step: the last counted step, numbered from 1.
    """

    def __init__(self, action: str = "ignore", undo_overflow: bool = False):
        self.action, self.undo_overflow = action, undo_overflow
        self.bad_steps = _counter("bad_steps")
        self.bad_in_row = _counter("bad_in_row")
        self.last_bad_step = _counter("last_bad_step")

    @property
    def skip(self) -> bool:
        """Whether counted steps are undone."""
        return self.action == "skip"

    @property
    def variables(self) -> list[keras.Variable]:
        """The three counters."""
        return [self.bad_steps, self.bad_in_row, self.last_bad_step]

    def begin(self, model: keras.Model) -> State:
        """Copy what the step may have to restore; nothing where it never does."""
        return snapshot(model) if self.skip or self.undo_overflow else []

    def end(
        self, model: keras.Model, before: State, gradients: Sequence[tf.Tensor | None]
    ) -> tf.Tensor:
        """Count the step if it is not finite, and restore `before` where it must be.

        Args:
            model: after the step.
            before: what `begin` returned.
            gradients: of the step, for `undo_overflow`.

        Returns:
            Whether the gradients of all replicas are finite, a bool scalar; True where
            `undo_overflow` is off.
        """
        applied = tf.constant(True)
        if self.undo_overflow:
            applied = _everywhere(precision.all_finite([*filter(_is_there, gradients)]))
        keep = applied
        if self.action != "ignore":
            finite = ~applied | _everywhere(_is_finite(model))
            self._count(model, finite)
            keep = applied & finite if self.skip else applied
        if before:
            restore_unless(keep, before)
        return applied

    def _count(self, model: keras.Model, finite: tf.Tensor) -> None:
        bad = tf.cast(~finite, tf.int64)
        step = tf.convert_to_tensor(model.step)
        last = tf.where(finite, self.last_bad_step, step)
        values = [self.bad_steps + bad, (self.bad_in_row + bad) * bad, last]
        distribute.assign_each(self.variables, values)


def snapshot(model: keras.Model) -> State:
    """Copy everything that a step changes, except its counters and the loss scale.

    Args:
        model: has a `step`, and perhaps a `loss_scale`, as `SSLModel` has.

    Returns:
        Pairs of a variable and a copy of its value.
    """
    scale = getattr(model, "loss_scale", None)
    counters = [model.step, model.optimizer.iterations]
    counters += scale.variables if scale else []
    excluded = {id(variable) for variable in counters}
    means = model.metrics_variables
    variables = [*model.weights, *model.optimizer.variables, *means]
    # `weights` of a plain Keras model hold its metrics too.
    distinct = {id(v): v for v in variables if id(v) not in excluded}
    return [(variable, tf.identity(variable)) for variable in distinct.values()]


def restore_unless(keep: tf.Tensor, before: State) -> None:
    """Restore the state `before` unless `keep`, the same bool on all replicas."""
    variables, values = zip(*before, strict=True)
    distribute.update_each(_choose, variables, values, [keep] * len(values))


def _is_finite(model: keras.Model) -> tf.Tensor:
    """Return whether this replica's weights and running means are finite, bool scalar.

    The target is not read: it is an average of weights that are checked, and its
    embeddings are in the loss.
    """
    trained = [net for name, net in model.networks.items() if name != "target"]
    checked = [variable for network in trained for variable in network.variables]
    checked += model.metrics_variables
    finite = [tf.reduce_all(tf.math.is_finite(variable)) for variable in checked]
    return tf.reduce_all(tf.stack(finite))


def _everywhere(condition: tf.Tensor) -> tf.Tensor:
    """Return whether a bool scalar is true on all replicas."""
    replicas = distribute.gather(tf.cast(condition, tf.int32)[None])  # not of bools
    return tf.reduce_all(replicas == 1)


def _is_there(gradient: tf.Tensor | None) -> bool:
    return gradient is not None


def _counter(name: str) -> keras.Variable:
    return keras.Variable(0, dtype="int64", trainable=False, name=name)


def _choose(variable: keras.Variable, before: tf.Tensor, keep: tf.Tensor) -> None:
    variable.assign(tf.where(keep, variable, before))
