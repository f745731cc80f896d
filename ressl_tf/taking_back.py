"""A step with a gradient that is not finite changes nothing but what counts steps.

Step and schedules go on with the data: a run has as many steps as it was planned for,
whatever number of them was in vain.
"""

import keras
import tensorflow as tf

from ressl_tf import distribute, precision

State = list[tuple[keras.Variable, tf.Tensor]]


def state(model: keras.Model) -> State:
    """What a step of an `SSLModel` changes, as it is now, but for its counters."""
    counters = [model.step, model.optimizer.iterations]
    counters += model.loss_scale.variables if model.loss_scale else []
    kept = {id(variable) for variable in counters}
    return [
        (variable, tf.convert_to_tensor(variable))
        for variable in (*model.weights, *model.optimizer.variables)
        if id(variable) not in kept
    ]


def unless_finite(gradients: list[tf.Tensor | None], before: State) -> tf.Tensor:
    """Restores the state `before` unless the gradients of all replicas are finite.

    Returns:
        Whether they are, a bool scalar.
    """
    finite = precision.all_finite([g for g in gradients if g is not None])
    finite = distribute.mean(tf.cast(finite, tf.float32)) == 1.0
    variables, values = zip(*before, strict=True)
    distribute.update_each(_choose, variables, values, [finite] * len(values))
    return finite


def _choose(variable, before, finite):
    variable.assign(tf.where(finite, variable, before))
