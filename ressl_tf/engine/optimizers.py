"""SGD, LARS and AdamW as the papers define them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from ressl_tf.engine.clipping import GlobalNormClipping
from ressl_tf.engine.decayed import is_matrix

Schedule = keras.optimizers.schedules.LearningRateSchedule
LearningRate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule
FORMER = {"decay_vectors": "decay_bias_and_norm"}  # arguments of version 0.1.0


@keras.saving.register_keras_serializable(package="ressl_tf")
class SGD(GlobalNormClipping, keras.optimizers.Optimizer):
    """SGD with momentum and coupled weight decay, as in PyTorch.

        gradient <- gradient + weight_decay * w
        velocity <- momentum * velocity + gradient
        w        <- w - learning_rate * velocity

    Keras's own SGD differs twice: its decay bypasses the momentum (about ten times
    weaker at momentum 0.9), and its velocity contains the learning rate, so that a
    schedule acts late.

    Args:
        learning_rate: float or a Keras schedule.
        momentum: 0 for none.
        weight_decay: coupled L2.
        decay_bias_and_norm: whether biases, normalisation, positions and class tokens
            decay too.
        nesterov: step along gradient + momentum * velocity instead.
        multipliers: factors on the learning rate, one for each variable in the order
            of the model's `trainable_variables`; None for 1.
        clip_norm: largest norm of the gradient of all weights together, which is scaled
            down to it before all else; 0 for none.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.06,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        decay_bias_and_norm: bool = True,
        nesterov: bool = False,
        multipliers: Sequence[float] | None = None,
        name: str = "sgd",
        clip_norm: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.set_clip_norm(clip_norm)
        self.momentum = momentum
        self.coupled_weight_decay = weight_decay
        self.decay_bias_and_norm = decay_bias_and_norm
        self.nesterov, self.multipliers = nesterov, multipliers

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create a velocity for each variable."""
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")
        self.are_matrices = [is_matrix(variable) for variable in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Update one variable and its velocity."""
        index = self._get_variable_index(variable)
        velocity = self.velocities[index]
        if self.decay_bias_and_norm or self.are_matrices[index]:
            gradient = gradient + self.coupled_weight_decay * variable
        rate = tf.cast(learning_rate, variable.dtype)
        if self.multipliers is not None:
            rate *= self.multipliers[index]
        tf.raw_ops.ResourceApplyMomentum(  # one pass over the weights instead of five
            var=variable.handle,
            accum=velocity.value.handle,
            lr=rate,
            grad=self.rescale(gradient, variable),
            momentum=tf.constant(self.momentum, variable.dtype),
            use_nesterov=self.nesterov,
        )

    def rescale(self, gradient: tf.Tensor, variable: keras.Variable) -> tf.Tensor:
        """Return what is added to the velocity: for SGD the gradient as it is."""
        return gradient

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {
            "momentum": self.momentum,
            "weight_decay": self.coupled_weight_decay,
            "decay_bias_and_norm": self.decay_bias_and_norm,
            "nesterov": self.nesterov,
            "multipliers": self.multipliers,
            "clip_norm": self.clip_norm,
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> keras.optimizers.Optimizer:
        """Build the optimizer from a saved config, also of an earlier version."""
        return super().from_config(_renamed(config), custom_objects)


@keras.saving.register_keras_serializable(package="ressl_tf")
class LARS(SGD):
    """SGD with steps in proportion to the weights of each layer, for large batches.

        gradient <- gradient + weight_decay * w
        gradient <- gradient * trust_coefficient * |w| / |gradient|

    Biases, normalisation and positions keep their gradient, as do variables
    and gradients that are 0. The learning rate is many times that of SGD.

    Args:
        learning_rate: float or a Keras schedule.
        momentum: 0 for none.
        weight_decay: coupled L2.
        decay_bias_and_norm: whether biases and batch normalisation decay too.
        trust_coefficient: the relative change of a layer at learning rate 1.
        **kwargs: `clip_norm` of `SGD`, and those of Keras's optimizers.

    Reference: You et al., Large Batch Training of Convolutional Networks (2017).
    """

    def __init__(
        self,
        learning_rate: LearningRate = 4.8,
        momentum: float = 0.9,
        weight_decay: float = 1e-6,
        decay_bias_and_norm: bool = False,
        trust_coefficient: float = 1e-3,
        name: str = "lars",
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate,
            momentum,
            weight_decay,
            decay_bias_and_norm,
            name=name,
            **kwargs,
        )
        self.trust_coefficient = trust_coefficient

    def rescale(self, gradient: tf.Tensor, variable: keras.Variable) -> tf.Tensor:
        """Return the gradient, scaled by the trust ratio of a kernel."""
        if not self.are_matrices[self._get_variable_index(variable)]:
            return gradient
        weight_norm, gradient_norm = tf.norm(variable), tf.norm(gradient)
        moves = (weight_norm > 0) & (gradient_norm > 0)
        ratio = self.trust_coefficient * weight_norm / gradient_norm
        return tf.where(moves, ratio, 1.0) * gradient

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "trust_coefficient": self.trust_coefficient}


@keras.saving.register_keras_serializable(package="ressl_tf")
class AdamW(GlobalNormClipping, keras.optimizers.AdamW):
    """Adam with decoupled weight decay, as in PyTorch.

        w      <- w - learning_rate * weight_decay * w
        mean   <- beta_1 * mean + (1 - beta_1) * gradient
        square <- beta_2 * square + (1 - beta_2) * gradient^2
        w      <- w - learning_rate * mean' / (sqrt(square') + epsilon)

    mean' and square' are divided by 1 - beta^t in step t. Keras's own AdamW adds its
    epsilon to the root of what is not divided: the same epsilon then weighs 32 times as
    much in the first step, 10 times in the tenth, and small gradients hardly move.

    Args:
        learning_rate: float or a Keras schedule.
        weight_decay: multiplied by the learning rate; float or a Keras schedule.
        decay_bias_and_norm: whether biases, normalisation, positions and class tokens
            decay too.
        epsilon: added to the root of the second moment, once that is corrected.
        name: of the optimizer.
        clip_norm: as of `SGD`.
        multipliers: as of `SGD`; decay, which the rate multiplies, follows.
        **kwargs: of `keras.optimizers.AdamW`.

    Reference: Loshchilov & Hutter, Decoupled Weight Decay Regularization (ICLR 2019).
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: LearningRate = 1e-5,
        decay_bias_and_norm: bool = True,
        epsilon: float = 1e-8,
        name: str = "adamw",
        clip_norm: float = 0.0,
        multipliers: Sequence[float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate, weight_decay, epsilon=epsilon, name=name, **kwargs
        )
        self.set_clip_norm(clip_norm)
        self.decay_bias_and_norm = decay_bias_and_norm
        self.multipliers = multipliers

    @property
    def weight_decay(self) -> Any:
        """Weight decay of the next step: a number, or float32 [] of a schedule."""
        given = self.decay_schedule
        return given(self.iterations) if isinstance(given, Schedule) else given

    @weight_decay.setter
    def weight_decay(self, value: LearningRate) -> None:
        self.decay_schedule = value

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the moments; exclude vectors from the decay where that is asked."""
        if not self.built and not self.decay_bias_and_norm:
            vectors = [v for v in variables if not is_matrix(v)]
            self.exclude_from_weight_decay(var_list=vectors)
        super().build(variables)

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Update one variable, after its decay, and its moments."""
        index, dtype = self._get_variable_index(variable), variable.dtype
        if self.multipliers is not None:
            learning_rate *= self.multipliers[index]
            self._decay(variable, learning_rate)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (1 - self.beta_1) * (gradient - mean))
        self.assign_add(square, (1 - self.beta_2) * (tf.square(gradient) - square))
        if self.amsgrad:
            largest = self._velocity_hats[index]
            self.assign(largest, tf.maximum(largest, square))
            square = largest
        root = tf.sqrt(square / self._correction(self.beta_2, dtype)) + self.epsilon
        rate = tf.cast(learning_rate, dtype) / self._correction(self.beta_1, dtype)
        self.assign_sub(variable, rate * mean / root)

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        """Decay all alike; where rates differ, each variable decays in its step."""
        if self.multipliers is None:
            super()._apply_weight_decay(variables)

    def _decay(self, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        if self._use_weight_decay(variable):
            rate = tf.cast(learning_rate * self.weight_decay, variable.dtype)
            self.assign_sub(variable, rate * variable)

    def _correction(self, beta: float, dtype: str) -> tf.Tensor:
        """Return 1 - beta^t; in float32, 1 - 0.999 has but four digits."""
        step = tf.cast(self.iterations + 1, tf.float64)
        return tf.cast(1 - tf.pow(tf.constant(beta, tf.float64), step), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        decay = self.decay_schedule
        if isinstance(decay, Schedule):
            decay = keras.saving.serialize_keras_object(decay)
        return {
            **super().get_config(),
            "weight_decay": decay,
            "multipliers": self.multipliers,
            "decay_bias_and_norm": self.decay_bias_and_norm,
            "clip_norm": self.clip_norm,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> keras.optimizers.Optimizer:
        """Build the optimizer from a saved config, also of an earlier version."""
        if isinstance(decay := config.get("weight_decay"), dict):
            decay = keras.saving.deserialize_keras_object(decay, custom_objects)
            config = {**config, "weight_decay": decay}
        return super().from_config(_renamed(config), custom_objects)


def _renamed(config: dict[str, Any]) -> dict[str, Any]:
    return {FORMER.get(name, name): value for name, value in config.items()}
