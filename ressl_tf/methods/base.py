"""The training step that all methods share, written once.

With f the online network (encoder and projector, and a predictor where the method has
one), f' the target network, sg the stop-gradient and norm the scaling to unit length:

    f' <- m f' + (1 - m) f                  moving average, weights only
    x_v = view v of the batch               drawn by (seed, step)
    k_v = sg norm(f'(x_v))                  v in `target_views`
    z_v = norm(f(x_v))                      v in `online_views`
    loss = sum of loss_terms(z, k)          what a method defines
    f  <- optimizer(f, d loss / d f)
    enqueue(k)                              so that Q never holds the current batch
    step <- step + 1

`SSLModel.learn` is these lines in code. Batch normalisation works on batch statistics
in both networks. A batch that does not fit into memory goes through f and f' in
micro-batches; all else happens once a step.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ressl_tf import losses
from ressl_tf.config.method_flags import MOMENTUM_SCHEDULES
from ressl_tf.engine import accumulation, precision, schedules
from ressl_tf.engine.metrics import RunningMean
from ressl_tf.engine.nonfinite import NonfiniteGuard
from ressl_tf.methods import validation
from ressl_tf.methods.arguments import check_choice
from ressl_tf.methods.keras_model import KerasModel
from ressl_tf.models import ema, step_draws
from ressl_tf.models.key_queue import KeyQueue
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError

Embeddings = dict[str, tf.Tensor]  # view name -> [batch, dim], unit length
Scalars = dict[str, tf.Tensor]
OF_DROPOUT = 1_000_003  # folded into the seed: no other draw of a step has it


@dataclasses.dataclass(frozen=True)
class Step:
    """The step that a loss belongs to.

    Attributes:
        number: scalar int64, counted from 0 over the whole run, resumes included.
        views: the step's views, and what `mix_views` drew for them.
    """

    number: tf.Tensor
    views: Mapping[str, tf.Tensor]


class SSLModel(KerasModel):
    """An online network that learns from its own moving average.

    `ImageSSL` makes of it a model of images, `graphs.rgrl.RGRL` one of graphs. A method
    subclasses one of them in one file: it names its views, makes queues and predictor
    in `__init__`, and returns named terms from `loss_terms`.

    Args:
        online: a built layer that `from_config(get_config())` can rebuild, from a view
            to embeddings [n, dim], with `embedding_dim`.
        momentum: m of the target's moving average.
        momentum_schedule: "constant", or "cosine": from `momentum` to 1 over the run.
        total_steps: of the run, for schedules that end with it; None where none does.
        gradient_accumulation: micro-batches that a replica's batch is taken in, one
            after another, to save memory. Batch statistics and mixed images are those
            of a micro-batch, as if each were on a device of its own; target, queues,
            schedules and optimizer move once a step, for all of them.
        seed: of the queues, and of what is drawn inside the step.

    Attributes:
        guard: what happens to steps with non-finite values. Where networks compute in
            float16 there is a loss scale, and a step whose gradients overflow is
            undone; `guard.undo_overflow = True` does that for all others.
    """

    # Constructor arguments that are plain values, for configs and for saving.
    options: tuple[str, ...] = ("momentum", "momentum_schedule", "total_steps", "seed")
    counted_in_epochs: Mapping[str, str] = {}  # of `options`: in steps -> its flag
    online_views: tuple[str, ...] = ()
    target_views: tuple[str, ...] = ()
    loss_names: tuple[str, ...] = ()
    signal_names: tuple[str, ...] = ()
    predictor: keras.Model | None = None  # online only
    updates_target_last = False  # after the optimizer's step, not before the views

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
        self.guard = NonfiniteGuard(undo_overflow=float16)
        self._means = self._make_metrics()
        self.built = True

    @classmethod
    def parts_from(cls, config: Any) -> dict[str, Any]:
        """Build what a model is made of besides its `options`: the network, views.

        Args:
            config: `Config` of the run.

        Returns:
            Arguments of the constructor, by name.
        """
        raise NotImplementedError

    def require_total_steps(self, schedule: str) -> None:
        """Refuse a schedule that would not know where it ends."""
        if self.total_steps is None:
            raise UsageError(
                f"{schedule} needs total_steps, the steps of the whole run "
                "(epochs * steps per epoch). Received: None"
            )

    def _make_metrics(self):
        terms = self.loss_names if len(self.loss_names) > 1 else ()  # one is the loss
        names = ["loss", *terms, *self.signal_names, "embedding_std"]
        return {name: RunningMean(name=name) for name in names}

    # A method defines these.

    def derive_views(self, data, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the step's views of a batch as `fit` gives it."""
        raise NotImplementedError

    def mix_views(
        self, views: dict[str, tf.Tensor], seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the views, those mixed of several images, and what was drawn."""
        return views

    def loss_terms(
        self, online: Embeddings, target: Embeddings, step: Step
    ) -> tuple[Scalars, Scalars]:
        """Return the loss terms, whose sum is minimised, and signals to watch."""
        raise NotImplementedError

    def enqueue(self, target: Embeddings) -> None:
        """Put the step's target embeddings into the method's queues."""

    # All methods share these.

    def forward(self, network: keras.layers.Layer, view, training=True) -> tf.Tensor:
        """Apply the online or target network to a view."""
        return network(view, training=training)

    def embed(self, view, training=True) -> tf.Tensor:
        """Return unit online embeddings of a view, [batch, dim]."""
        embeddings = self.forward(self.online, view, training)
        if self.predictor is not None:
            embeddings = self.predictor(embeddings, training=training)
            embeddings = tf.cast(embeddings, tf.float32)
        return tf.math.l2_normalize(embeddings, axis=-1)

    def target_momentum(self, step: tf.Tensor) -> float | tf.Tensor:
        """Return m of the moving average in step `step`, counted from 0.

        "cosine" is 1 - (1 - momentum) * (cos(pi t / T) + 1) / 2 with t = step + 1
        (Grill et al., BYOL, NeurIPS 2020, Sec. 3.3).
        """
        if self.momentum_schedule == "constant":
            return self.momentum
        assert self.total_steps is not None  # by `require_total_steps`
        left = schedules.fade(step + 1, self.total_steps, self.momentum_schedule)
        return 1.0 - (1.0 - self.momentum) * left

    def embed_target(self, view, seed: tf.Tensor) -> tf.Tensor:
        """Return unit target embeddings of a view, [batch, dim], without gradient."""
        keys = accumulation.concat_over_micro_batches(
            lambda micro_batch: self.forward(self.target, micro_batch),
            view,
            self.gradient_accumulation,
        )
        return tf.stop_gradient(tf.math.l2_normalize(keys, axis=-1))

    def test_step(self, data):
        """Measure the loss on a batch of held-out data; return the running means."""
        before = next(iter(self._means.values())).count  # images since the start
        values, images = validation.measure(self, data, before)
        self._update_means(values, images)
        return {name: mean.result() for name, mean in self._means.items()}

    def train_step(self, data):
        """Take a step on a batch as `fit` gives it; return the running means."""
        step = tf.convert_to_tensor(self.step)
        return self.learn_compiled(self.derive_views(data, self._seed(step)))

    def learn(self, views: dict[str, tf.Tensor]) -> Scalars:
        """Take a step on its views, all of which XLA can compile; return the means."""
        step = tf.convert_to_tensor(self.step)
        before = self.guard.begin(self)
        if not self.updates_target_last:
            ema.update(self.online, self.target, self.target_momentum(step))
        seed = self._seed(step)
        target = {v: self.embed_target(views[v], seed) for v in self.target_views}
        gradients, values = accumulation.mean_over_micro_batches(
            lambda batch, index: self._gradients(batch, step, index),
            (views, target),
            self.gradient_accumulation,
        )
        self.optimizer.apply(gradients, self.trainable_variables)
        if self.updates_target_last:
            ema.update(self.online, self.target, self.target_momentum(step))
        self.enqueue(target)
        self.step.assign_add(1)
        self._update_means(values)
        applied = self.guard.end(self, before, gradients)
        if self.loss_scale is not None:
            self.loss_scale.update(applied)
        return {name: mean.result() for name, mean in self._means.items()}

    def _gradients(self, batch, step: tf.Tensor, index: int):
        """Return gradients and metrics of one micro-batch, (views, target embeddings).

        The optimizer sums gradients over replicas, so that each counts 1 / replicas.
        """
        views, target = batch
        number = distribute.replica_id() * self.gradient_accumulation + index
        views = self.mix_views(views, self._seed(step, number))
        with tf.GradientTape() as tape:
            loss, values = self.losses_of(views, target, step, number=number)
            scaled = loss / distribute.num_replicas()
            if self.loss_scale is not None:
                scaled = self.loss_scale.apply(scaled)
            scaled = self.optimizer.scale_loss(scaled)
        gradients = tape.gradient(scaled, self.trainable_variables)
        if self.loss_scale is not None:
            gradients = self.loss_scale.undo(gradients)
        return gradients, values

    def losses_of(self, views, target: Embeddings, step, training=True, number=0):
        """Return the loss of views under target embeddings, and all that is logged.

        `number` is the micro-batch's, for what drops at random in the online network.
        """
        online = {}
        for index, view in enumerate(self.online_views):
            with step_draws.seeded(self._seed(step), OF_DROPOUT, number, index):
                online[view] = self.embed(views[view], training)
        terms, signals = self.loss_terms(online, target, Step(step, views))
        loss = tf.add_n(list(terms.values()))
        std = losses.embedding_std(online[self.online_views[0]])
        values = {"loss": loss, **terms, **signals, "embedding_std": std}
        return loss, {name: values[name] for name in self._means}

    def _seed(self, step: tf.Tensor, micro_batch: int | tf.Tensor = 0) -> tf.Tensor:
        """Return the seed of what is drawn for a micro-batch; 0: the global batch."""
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(step, tf.int32)])
        return tf.random.fold_in(seed, micro_batch)

    def _update_means(self, values: Scalars, weight: tf.Tensor | None = None) -> None:
        """Add a step's metrics, averaged over replicas, to the running means."""
        latest = distribute.mean(tf.stack([values[name] for name in self._means]))
        for mean, value in zip(self._means.values(), tf.unstack(latest), strict=True):
            mean.update_state(value, weight)

    def exported_part(self):
        """Return the online network."""
        return self.online

    @property
    def networks(self) -> dict[str, keras.layers.Layer]:
        """The networks by name, as checkpoints group them."""
        predictor = {"predictor": self.predictor} if self.predictor else {}
        return {"online": self.online, "target": self.target, **predictor}

    @property
    def queues(self) -> list[KeyQueue]:
        """The method's queues, in the order in which it made them."""
        return [layer for layer in self.layers if isinstance(layer, KeyQueue)]

    @property
    def relation_size(self) -> int:
        """How many embeddings the teacher's relation is over."""
        return self.queues[0].size

    @property
    def metrics(self):
        """The running means, which Keras resets at the start of an epoch."""
        return list(self._means.values())

    def get_config(self):
        """Return the constructor's plain arguments, as Keras saves them."""
        own = {option: getattr(self, option) for option in self.options}
        return {"name": self.name, **own}
