"""What all methods share: the networks, and the training step, written once."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ressl_tf import backbones, distribute, ema, heads, losses, schedules
from ressl_tf.encoder import Encoder
from ressl_tf.errors import UsageError
from ressl_tf.queue import KeyQueue

Embeddings = dict[str, tf.Tensor]  # view name -> [batch, dim], unit length
Scalars = dict[str, tf.Tensor]
HEADS = ("plain", "bn")
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
    """An online encoder that learns from its own moving average.

    A method subclasses it in one file: it names its views, makes queues and predictor
    in `__init__`, and returns named terms from `loss_terms`. As a `keras.Model` it maps
    raw images [batch, h, w, 3] on 0..255 to features [batch, f], without augmentation.

    `fit` takes raw images (uint8 or float, from an array or a `tf.data.Dataset`, with
    or without labels, which are ignored), or a data set of dicts of finished views.

    Args:
        backbone: a name of `backbones.NAMES`, or a built `keras.Model` from normalised
            images to features.
        image_size: side of the views in pixels.
        hidden_dim: width of the projector's hidden layer.
        embedding_dim: length of an embedding.
        head: the projector's form: "plain" (Linear - ReLU - Linear) or "bn" (batch
            normalisation before the ReLU).
        batch_norm: scope of the batch statistics of the heads, "local", "sync" or
            "split"; that of a backbone given by name is "local".
        momentum: of the target's moving average.
        momentum_schedule: "constant", or "cosine": from `momentum` to 1 over the run.
        total_steps: of the run, for schedules that end with it; None where none does.
        mean: per channel on 0..1, for normalisation; ImageNet's by default.
        std: per channel on 0..1, for normalisation; ImageNet's by default.
        views: a `Views` layer that makes the method's views; None for the paper's.
        shuffle_target: permute the target's batch before its forward pass and put its
            embeddings back after, so that split statistics leak nothing (shuffle BN).
        seed: of the queues, and of the views drawn inside the step.
    """

    # Constructor arguments that are plain values, for configs and for saving.
    options: tuple[str, ...] = (
        "image_size",
        "hidden_dim",
        "embedding_dim",
        "head",
        "batch_norm",
        "momentum",
        "momentum_schedule",
        "total_steps",
        "seed",
    )
    view_options: tuple[str, ...] = ("image_size",)  # the same for `make_views`
    online_views: tuple[str, ...] = ()
    target_views: tuple[str, ...] = ()
    loss_names: tuple[str, ...] = ()
    signal_names: tuple[str, ...] = ()
    predictor: keras.Model | None = None  # online only, see `add_predictor`

    def __init__(
        self,
        backbone: str | keras.Model = "resnet18",
        *,
        image_size: int = 32,
        hidden_dim: int = 2048,
        embedding_dim: int = 128,
        head: str = "plain",
        batch_norm: str = "local",
        momentum: float = 0.99,
        momentum_schedule: str = "constant",
        total_steps: int | None = None,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        views: keras.layers.Layer | None = None,
        shuffle_target: bool = False,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise UsageError(f"momentum must be within 0..1. Received: {momentum}")
        _check_choice("head", head, HEADS)
        _check_choice("momentum_schedule", momentum_schedule, MOMENTUM_SCHEDULES)
        if isinstance(backbone, str):
            stem = "small" if image_size <= 32 else "standard"
            backbone = backbones.build(backbone, stem=stem)
        self.image_size, self.hidden_dim = image_size, hidden_dim
        self.embedding_dim, self.head, self.batch_norm = embedding_dim, head, batch_norm
        self.momentum, self.momentum_schedule = momentum, momentum_schedule
        self.total_steps = total_steps
        self.shuffle_target, self.seed = shuffle_target, seed
        if momentum_schedule != "constant":
            self.require_total_steps(f"momentum_schedule={momentum_schedule}")
        projector = heads.projector(
            backbone.output_shape[-1],
            hidden_dim,
            embedding_dim,
            norm=batch_norm if head == "bn" else None,
        )
        self.views = views or self.make_views(image_size)
        self.online = Encoder(backbone, projector, mean, std, name="online")
        self.target = ema.make_target(self.online)
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", trainable=False, initializer="zeros"
        )
        self._means = self._make_metrics()
        # What `jit_compile="auto"` asks: on CPUs XLA makes a ResNet step twice slower.
        self.supports_jit = bool(tf.config.list_physical_devices("GPU"))
        self.built = True

    def add_predictor(self, hidden_dim: int, depth: int, norm: bool) -> None:
        """Puts a head behind the online network that the target does not have.

        Args:
            hidden_dim: its width; 0 for that of the projector.
            depth: its linear layers; 0 for no predictor.
            norm: whether it has batch normalisation.
        """
        self.predictor_dim, self.predictor_depth = hidden_dim, depth
        self.predictor_bn = norm
        if depth:
            self.predictor = heads.predictor(
                self.embedding_dim,
                hidden_dim or self.hidden_dim,
                depth,
                norm=self.batch_norm if norm else None,
            )

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
        return {name: keras.metrics.Mean(name=name) for name in names}

    # What a method defines.

    @classmethod
    def make_views(cls, image_size: int, **strength) -> keras.layers.Layer:
        """The paper's views as a `Views` layer; `strength` as in `data.views`."""
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

    def call(self, images, training=False):
        """Features of the online backbone, [batch, f], in inference mode."""
        return self.online.features(images, training=training)

    def embed(self, images: tf.Tensor) -> tf.Tensor:
        """Unit online embeddings of a view, [batch, dim], on batch statistics."""
        embeddings = self.online(images, training=True)
        if self.predictor is not None:
            embeddings = self.predictor(embeddings, training=True)
            embeddings = tf.cast(embeddings, tf.float32)
        return tf.math.l2_normalize(embeddings, axis=-1)

    def target_momentum(self, step: tf.Tensor) -> float | tf.Tensor:
        """Of the moving average before step `step`, counted from 0.

        "cosine" is 1 - (1 - momentum) * (cos(pi t / T) + 1) / 2 with t = step + 1
        (Grill et al., BYOL, NeurIPS 2020, Sec. 3.3).
        """
        if self.momentum_schedule == "constant":
            return self.momentum
        left = schedules.fade(step + 1, self.total_steps, self.momentum_schedule)
        return 1.0 - (1.0 - self.momentum) * left

    def embed_target(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Unit target embeddings of a view, [batch, dim], without gradient."""
        if self.shuffle_target:
            order = tf.random.experimental.stateless_shuffle(
                tf.range(tf.shape(images)[0]), seed
            )
            keys = self.target(tf.gather(images, order), training=True)
            keys = tf.gather(keys, tf.argsort(order))
        else:
            keys = self.target(images, training=True)
        return tf.stop_gradient(tf.math.l2_normalize(keys, axis=-1))

    def derive_views(self, data, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Finished views as they are, or views of raw images."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if not isinstance(images, dict):
            images = tf.convert_to_tensor(images)
            if images.shape.rank != 4 or images.shape[-1] != 3:
                raise UsageError(
                    "images must be [batch, height, width, 3] on 0..255. Received: "
                    f"shape {tuple(images.shape)}"
                )
            return self.views(images, seed)
        made = set(self.views.names)  # the others are mixed from them
        needed = {*self.online_views, *self.target_views} & made
        if missing := needed - set(images):
            raise UsageError(
                f"a batch of views needs {', '.join(sorted(needed))}; missing: "
                f"{', '.join(sorted(missing))}. Received: {', '.join(images)}"
            )
        return images

    def train_step(self, data):
        """One step on raw images or finished views; returns the running means."""
        step = tf.convert_to_tensor(self.step)
        seed = self._step_seed(step)
        ema.update(self.online, self.target, self.target_momentum(step))
        views = self.mix_views(self.derive_views(data, seed), seed)
        target = {v: self.embed_target(views[v], seed) for v in self.target_views}
        with tf.GradientTape() as tape:
            online = {v: self.embed(views[v]) for v in self.online_views}
            terms, signals = self.loss_terms(online, target, Step(step, views))
            loss = tf.add_n(list(terms.values()))
            share = loss / distribute.num_replicas()  # replicas' gradients are summed
            scaled = self.optimizer.scale_loss(share)
        gradients = tape.gradient(scaled, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.enqueue(target)
        self.step.assign_add(1)
        spread = losses.embedding_std(online[self.online_views[0]])
        return self._report({"loss": loss, **terms, **signals, "embedding_std": spread})

    def _step_seed(self, step):
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(step, tf.int32)])
        return tf.random.fold_in(seed, distribute.replica_id())

    def _report(self, values: Scalars) -> Scalars:
        for name, mean in self._means.items():
            mean.update_state(values[name])
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
    def metrics(self):
        return list(self._means.values())

    def get_config(self):
        return {
            "name": self.name,
            "backbone": keras.saving.serialize_keras_object(self.online.backbone),
            "views": keras.saving.serialize_keras_object(self.views),
            "mean": self.online.mean,
            "std": self.online.std,
            "shuffle_target": self.shuffle_target,
            **{option: getattr(self, option) for option in self.options},
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("backbone", "views")
        }
        return cls(**{**config, **parts})


def _check_choice(name, value, allowed):
    if value not in allowed:
        raise UsageError(
            f"{name} must be one of {', '.join(allowed)}. Received: {value}"
        )
