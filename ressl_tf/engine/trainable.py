"""A Keras model that fits and evaluates under every strategy, and its step function.

Keras's own train function does not train on several workers, and takes more steps than
an epoch has when `steps_per_execution` does not divide it.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.engine import fit_arguments, fit_data
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError

Logs = dict[str, tf.Tensor]


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
        fit_arguments.check_compiled(self)
        fit_data.check_data(given.get("x"))
        given["x"] = fit_data.as_batches(given["x"])
        fit_arguments.warn_of_losses(self)
        fit_arguments.refuse_weights(given)
        given = fit_data.without_labels(given)
        fit_arguments.check_callbacks(given.get("callbacks"), self.optimizer)
        given["callbacks"] = fit_arguments.in_order(given.get("callbacks"))
        self._steps_per_epoch = given.get("steps_per_epoch")
        if isinstance(given.get("x"), tf.data.Dataset):
            given.setdefault("shuffle", False)  # Keras warns of its own default
        return super().fit(**given)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Take a step on one batch as Keras does."""
        given = fit_arguments.by_name(keras.Model.train_on_batch, args, kwargs)
        fit_arguments.check_compiled(self)
        fit_arguments.refuse_weights(given)
        return super().train_on_batch(**fit_data.without_labels(given))

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Measure the loss on held-out data as Keras does; nothing of the model moves.

        The running means of a training that calls this are restored at the end.
        """
        given = fit_arguments.by_name(keras.Model.evaluate, args, kwargs)
        if given.get("_use_cached_eval_dataset") is not True:
            fit_data.check_data(given.get("x"))
            given["x"] = fit_data.as_batches(given["x"])
        fit_arguments.refuse_weights(given)
        given = fit_data.without_labels(given)
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


def _refuse_accumulation(optimizer: keras.optimizers.Optimizer) -> None:
    if steps := getattr(optimizer, "gradient_accumulation_steps", None):
        raise UsageError(
            "an optimizer that accumulates gradients counts other steps than the "
            "model and its queue; the model's gradient_accumulation does not. "
            f"Received: gradient_accumulation_steps={steps}"
        )
