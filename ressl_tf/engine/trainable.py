"""A Keras model whose `fit` and `evaluate` work under every strategy."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.engine import fit_arguments
from ressl_tf.engine.train_function import TrainFunction
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError


class Trainable(keras.Model):
    """A built model that trains on one device, several, or several machines.

    A subclass defines `derive_views(data, seed)`, from a batch to its views,
    `learn(views)`, the step itself, all of which XLA can compile, and `test_step`.
    """

    train_function: Any  # Keras's __init__ sets it to None
    test_function: Any
    _steps_per_epoch: int | None = None  # of the call of `fit`
    _evaluated_steps: int | None = None  # of the call of `evaluate`

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as Keras does, but by `TrainFunction`."""
        given = fit_arguments.by_name(keras.Model.fit, args, kwargs)
        fit_arguments.refuse_weights(given)
        fit_arguments.check_callbacks(given.get("callbacks"), self.optimizer)
        self._steps_per_epoch = given.get("steps_per_epoch")
        if isinstance(given.get("x"), tf.data.Dataset):
            given.setdefault("shuffle", False)  # Keras warns of its own default
        return super().fit(**given)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Measure the loss on held-out data as Keras does; nothing of the model moves.

        The running means of a training that calls this are restored at the end.
        """
        given = fit_arguments.by_name(keras.Model.evaluate, args, kwargs)
        fit_arguments.refuse_weights(given)
        self._evaluated_steps = given.get("steps")
        with self._keeping_means():
            return super().evaluate(**given)

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Measure the loss on one held-out batch; see `evaluate`."""
        given = fit_arguments.by_name(keras.Model.test_on_batch, args, kwargs)
        fit_arguments.refuse_weights(given)
        self._evaluated_steps = None
        with self._keeping_means():
            self.reset_metrics()
            return super().test_on_batch(**given)

    @contextlib.contextmanager
    def _keeping_means(self) -> Iterator[None]:
        kept = [(variable, variable.numpy()) for variable in self.metrics_variables]
        try:
            yield
        finally:
            for variable, value in kept:
                variable.assign(value)

    def make_train_function(self, force: bool = False) -> None:
        """Make the function that `fit` calls for each batch."""
        if self.train_function is None or force:
            _refuse_accumulation(self.optimizer)
            self._compiled_learn = tf.function(self.learn, jit_compile=True)
            self.train_function = TrainFunction(self, self.train_step)
        self.train_function.begin(self._steps_per_epoch)

    def make_test_function(self, force: bool = False) -> None:
        """Make the function that `evaluate` calls for each batch."""
        if self.test_function is None or force:
            self.test_function = TrainFunction(self, self.test_step)
        self.test_function.begin(self._evaluated_steps)

    def check_inputs(self) -> None:
        """Warn of what the first batch of a `fit` or `evaluate` tells, if anything."""

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
