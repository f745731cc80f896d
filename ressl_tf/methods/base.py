"""What all methods share: the networks, and the training step, written once."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ressl_tf import losses
from ressl_tf.engine import accumulation, precision, schedules, snapshot
from ressl_tf.engine.metrics import RunningMean
from ressl_tf.engine.train_function import TrainFunction
from ressl_tf.models import ema
from ressl_tf.models.key_queue import KeyQueue
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError

Embeddings = dict[str, tf.Tensor]  # view name -> [batch, dim], unit length
Scalars = dict[str, tf.Tensor]
MOMENTUM_SCHEDULES = ("constant", "cosine")


@dataclasses.dataclass(frozen=True)
class Step:
    """Which step a loss is of, for what fades, and what it was made from.

    Args:
        number: scalar int64, counted from 0 over the whole run, resumes included.
        views: the step's views, and what `mix_views` drew for them.
    """

    number: tf.Tensor
    views: Mapping[str, tf.Tensor]


class SSLModel(keras.Model):
    """An online network that learns from its own moving average.

    What it learns from is left to the classes below: `ImageSSL` for images, `RGRL` for
    graphs.

    A method subclasses one of them in one file: it names its views, makes queues and
    predictor in `__init__`, and returns named terms from `loss_terms`.

    Args:
        online: a built layer that `from_config(get_config())` can rebuild, from a view
            to embeddings [n, dim], with `embedding_dim`.
        momentum: of the target's moving average.
        momentum_schedule: "constant", or "cosine": from `momentum` to 1 over the run.
        total_steps: of the run, for schedules that end with it; None where none does.
        gradient_accumulation: parts that a replica's batch is taken in, one after
            another, to save memory. Batch statistics and mixed images are those of a
            part, as if each were on a device of its own; target, queues, schedules and
            optimizer move once a step, for all parts.
        seed: of the queues, and of what is drawn inside the step.

    Networks that compute in float16 get a loss scale, and a step that overflows changes
    nothing but the counters; `skip_nonfinite = True` does that for all others.
    """

    # Constructor arguments that are plain values, for configs and for saving.
    options: tuple[str, ...] = ("momentum", "momentum_schedule", "total_steps", "seed")
    online_views: tuple[str, ...] = ()
    target_views: tuple[str, ...] = ()
    loss_names: tuple[str, ...] = ()
    signal_names: tuple[str, ...] = ()
    predictor: keras.Model | None = None  # online only
    _epoch_steps: int | None = None  # of the call of `fit`
    target_moves_last = False  # after the optimizer's step, not before the views
    teacher_temp_flag = "teacher_temp"  # which sharpens the teacher's relation

    def __init__(
        self,
        online: keras.layers.Layer,
        *,
        momentum: float = 0.99,
        momentum_schedule: str = "constant",
        total_steps: int | None = None,
        gradient_accumulation: int = 1,
        seed: int = 0,
        **kwargs,
    ):
        # Losses, metrics and queues are float32 whatever the networks compute in.
        super().__init__(**{"dtype": "float32", **kwargs})
        if not 0 <= momentum <= 1:
            raise UsageError(f"momentum must be within 0..1. Received: {momentum}")
        check_choice("momentum_schedule", momentum_schedule, MOMENTUM_SCHEDULES)
        self.momentum, self.momentum_schedule = momentum, momentum_schedule
        self.total_steps, self.seed = total_steps, seed
        self.gradient_accumulation = gradient_accumulation
        if momentum_schedule != "constant":
            self.require_total_steps(f"momentum_schedule={momentum_schedule}")
        self.online = online
        self.target = ema.make_target(self.online)
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", trainable=False, initializer="zeros"
        )
        float16 = precision.computes_in_float16(self.online)
        self.loss_scale = precision.LossScale() if float16 else None
        self.skip_nonfinite = float16
        self._means = self._make_metrics()
        self.built = True

    def require_total_steps(self, schedule: str) -> None:
        """Refuses a schedule that would not know where it ends."""
        if self.total_steps is None:
            raise UsageError(
                f"{schedule} needs total_steps, the steps of the whole run "
                "(epochs * steps per epoch). Received: None"
            )

    def _make_metrics(self):
        terms = self.loss_names if len(self.loss_names) > 1 else ()  # one is the loss
        names = ["loss", *terms, *self.signal_names, "embedding_std"]
        return {name: RunningMean(name=name) for name in names}

    # What Keras asks for.

    def fit(self, *args, **kwargs):
        self._epoch_steps = kwargs.get("steps_per_epoch")
        return super().fit(*args, **kwargs)

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            _refuse_accumulation(self.optimizer)
            self._compiled_learn = tf.function(self.learn, jit_compile=True)
            self.train_function = TrainFunction(self)
        self.train_function.begin(self._epoch_steps)

    def _resolve_auto_jit_compile(self):
        """On GPUs: on CPUs XLA makes a ResNet step twice slower."""
        return self.supports_jit and bool(tf.config.list_physical_devices("GPU"))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """The model is built; Keras's way of doing it fails on several workers."""
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    # What a method defines.

    def derive_views(self, data, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """The step's views of a batch as `fit` gives it."""
        raise NotImplementedError

    def mix_views(
        self, views: dict[str, tf.Tensor], seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The views and those made of several images, with what was drawn for them."""
        return views

    def loss_terms(
        self, online: Embeddings, target: Embeddings, step: Step
    ) -> tuple[Scalars, Scalars]:
        """The loss terms, whose sum is minimised, and signals to watch."""
        raise NotImplementedError

    def enqueue(self, target: Embeddings) -> None:
        """Puts the step's target embeddings into the method's queues."""

    # What all methods do.

    def forward(self, network: keras.layers.Layer, view) -> tf.Tensor:
        """What the online or target network makes of a view in a training step."""
        return network(view, training=True)

    def embed(self, view) -> tf.Tensor:
        """Unit online embeddings of a view, [batch, dim], on batch statistics."""
        embeddings = self.forward(self.online, view)
        if self.predictor is not None:
            embeddings = self.predictor(embeddings, training=True)
            embeddings = tf.cast(embeddings, tf.float32)
        return tf.math.l2_normalize(embeddings, axis=-1)

    def target_momentum(self, step: tf.Tensor) -> float | tf.Tensor:
        """Of the moving average in step `step`, counted from 0.

        "cosine" is 1 - (1 - momentum) * (cos(pi t / T) + 1) / 2 with t = step + 1
        (Grill et al., BYOL, NeurIPS 2020, Sec. 3.3).
        """
        if self.momentum_schedule == "constant":
            return self.momentum
        left = schedules.fade(step + 1, self.total_steps, self.momentum_schedule)
        return 1.0 - (1.0 - self.momentum) * left

    def embed_target(self, view, seed: tf.Tensor) -> tf.Tensor:
        """Unit target embeddings of a view, [batch, dim], without gradient."""
        keys = accumulation.concat_over_parts(
            lambda part: self.forward(self.target, part),
            view,
            self.gradient_accumulation,
        )
        return tf.stop_gradient(tf.math.l2_normalize(keys, axis=-1))

    def train_step(self, data):
        """One step on a batch as `fit` gives it; returns the running means."""
        step = tf.convert_to_tensor(self.step)
        views = self.derive_views(data, self._seed(step))
        learn = self.learn
        if self.jit_compile and distribute.num_replicas() == 1 and not self.run_eagerly:
            learn = self._compiled_learn
        return learn(views)

    def learn(self, views: dict[str, tf.Tensor]) -> Scalars:
        """What a step does with its views: all of it can be compiled by XLA."""
        step = tf.convert_to_tensor(self.step)
        seed = self._seed(step)
        before = snapshot.state(self) if self.skip_nonfinite else None
        if not self.target_moves_last:
            ema.update(self.online, self.target, self.target_momentum(step))
        target = {v: self.embed_target(views[v], seed) for v in self.target_views}
        gradients, values = accumulation.mean_over_parts(
            lambda part, index: self._gradients(*part, step, index),
            (views, target),
            self.gradient_accumulation,
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        if self.target_moves_last:
            ema.update(self.online, self.target, self.target_momentum(step))
        self.enqueue(target)
        self.step.assign_add(1)
        finite = True
        if before is not None:
            finite = snapshot.unless_finite(gradients, before)
        if self.loss_scale is not None:
            self.loss_scale.update(finite)
        return self._report(values, finite)

    def _gradients(self, views, target, step, index):
        """Of a part of the batch: the replica's share of the gradients; what to report.

        Those of all replicas are summed by the optimizer.
        """
        part = distribute.replica_id() * self.gradient_accumulation + index
        views = self.mix_views(views, self._seed(step, part))
        with tf.GradientTape() as tape:
            online = {v: self.embed(views[v]) for v in self.online_views}
            terms, signals = self.loss_terms(online, target, Step(step, views))
            loss = tf.add_n(list(terms.values()))
            share = loss / distribute.num_replicas()
            if self.loss_scale is not None:
                share = self.loss_scale.apply(share)
            scaled = self.optimizer.scale_loss(share)
        gradients = tape.gradient(scaled, self.trainable_variables)
        if self.loss_scale is not None:
            gradients = self.loss_scale.undo(gradients)
        spread = losses.embedding_std(online[self.online_views[0]])
        values = {"loss": loss, **terms, **signals, "embedding_std": spread}
        return gradients, {name: values[name] for name in self._means}

    def _seed(self, step, part=0) -> tf.Tensor:
        """Of what is drawn for the global batch, or for a part of it from 0 on."""
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(step, tf.int32)])
        return tf.random.fold_in(seed, part)

    def _report(self, values: Scalars, finite: bool | tf.Tensor = True) -> Scalars:
        """Running means over steps (but those taken back) and replicas."""
        names = list(self._means)
        latest = distribute.mean(tf.stack([values[name] for name in names]))
        weight = tf.cast(finite, tf.float32)
        latest = tf.where(finite, latest, 0.0)
        for name, value in zip(names, tf.unstack(latest), strict=True):
            self._means[name].update_state(value, sample_weight=weight)
        return {name: mean.result() for name, mean in self._means.items()}

    @property
    def networks(self) -> dict[str, keras.layers.Layer]:
        """Name -> network, as checkpoints group them."""
        predictor = {"predictor": self.predictor} if self.predictor else {}
        return {"online": self.online, "target": self.target, **predictor}

    @property
    def queues(self) -> list[KeyQueue]:
        """The method's queues, in the order in which it made them."""
        return [layer for layer in self.layers if isinstance(layer, KeyQueue)]

    @property
    def relation_size(self) -> int:
        """Over how many others the teacher's relation is."""
        return self.queues[0].size

    @property
    def metrics(self):
        return list(self._means.values())

    def get_config(self):
        own = {option: getattr(self, option) for option in self.options}
        return {"name": self.name, **own}


def _refuse_accumulation(optimizer):
    if parts := getattr(optimizer, "gradient_accumulation_steps", None):
        raise UsageError(
            "an optimizer that accumulates gradients counts other steps than the "
            "model and its queue; the model's gradient_accumulation does not. "
            f"Received: gradient_accumulation_steps={parts}"
        )


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuses a constructor's argument that is none of those allowed."""
    if value not in allowed:
        raise UsageError(
            f"{name} must be one of {', '.join(allowed)}. Received: {value}"
        )
