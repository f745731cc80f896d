"""A step with a gradient that is not finite changes nothing but what counts steps.

Step and schedules go on with the data: a run has as many steps as it was planned for,
whatever number of them was in vain.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ressl_tf.engine import precision
from ressl_tf.runtime import distribute

State = list[tuple[keras.Variable, tf.Tensor]]


def state(model: keras.Model) -> State:
    """What a step changes, as it is now, but for its counters.

    Args:
        model: has a `step`, and perhaps a `loss_scale`, as `SSLModel` has.
    """
    scale = getattr(model, "loss_scale", None)
    counters = [model.step, model.optimizer.iterations]
    counters += scale.variables if scale else []
    kept = {id(variable) for variable in counters}
    variables = (*model.weights, *model.optimizer.variables)
    return copies([v for v in variables if id(v) not in kept])


def copies(variables: Sequence[keras.Variable]) -> State:
    """Variables with the values that they have now."""
    return [(variable, tf.identity(variable)) for variable in variables]


def restore_unless(finite: tf.Tensor, before: State) -> None:
    """Restores the state `before` unless `finite`, the same bool on all replicas."""
    variables, values = zip(*before, strict=True)
    distribute.update_each(_choose, variables, values, [finite] * len(values))


def unless_finite(gradients: list[tf.Tensor | None], before: State) -> tf.Tensor:
    """Restores the state `before` unless the gradients of all replicas are finite.

    Returns:
        Whether they are, a bool scalar.
    """
    finite = precision.all_finite([g for g in gradients if g is not None])
    finite = distribute.mean(tf.cast(finite, tf.float32)) == 1.0
    restore_unless(finite, before)
    return finite


def _choose(variable, before, finite):
    variable.assign(tf.where(finite, variable, before))
