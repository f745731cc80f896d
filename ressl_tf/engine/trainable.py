"""A Keras model whose `fit` works under every strategy."""

from typing import Any

import keras
import tensorflow as tf

from ressl_tf.engine.train_function import TrainFunction
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError


class Trainable(keras.Model):
    """A built model that trains on one device, several, or several machines.

    A subclass defines `derive_views(data, seed)`, from a batch to its views, and
    `learn(views)`, the step itself, all of which XLA can compile.
    """

    train_function: Any  # Keras's __init__ sets it to None
    _steps_per_epoch: int | None = None  # of the call of `fit`

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as Keras does, but by `TrainFunction`."""
        self._steps_per_epoch = kwargs.get("steps_per_epoch")
        return super().fit(*args, **kwargs)

    def make_train_function(self, force: bool = False) -> None:
        """Make the function that `fit` calls for each batch."""
        if self.train_function is None or force:
            _refuse_accumulation(self.optimizer)
            self._compiled_learn = tf.function(self.learn, jit_compile=True)
            self.train_function = TrainFunction(self)
        self.train_function.begin(self._steps_per_epoch)

    def learn_compiled(self, views: Any) -> Any:
        """Call `learn`, compiled by XLA where `compile` says so and XLA can."""
        learn = self.learn
        if self.jit_compile and distribute.num_replicas() == 1 and not self.run_eagerly:
            learn = self._compiled_learn
        return learn(views)

    def _resolve_auto_jit_compile(self) -> bool:
        """Compile on GPUs alone: on CPUs XLA makes a ResNet step twice as slow."""
        return self.supports_jit and bool(tf.config.list_physical_devices("GPU"))

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        """Build the optimizer alone: Keras's way fails on several workers."""
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)


def _refuse_accumulation(optimizer: keras.optimizers.Optimizer) -> None:
    if steps := getattr(optimizer, "gradient_accumulation_steps", None):
        raise UsageError(
            "an optimizer that accumulates gradients counts other steps than the "
            "model and its queue; the model's gradient_accumulation does not. "
            f"Received: gradient_accumulation_steps={steps}"
        )
