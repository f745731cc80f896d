"""An encoder with a linear head, trained on labels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import distribute


@keras.saving.register_keras_serializable(package="ressl_tf")
class Classifier(keras.Model):
    """A model from raw images [batch, h, w, 3] on 0..255 to logits [batch, classes].

    Args:
        encoder: its features are classified; a projector is left out.
        classes: how many there are.
        frozen: whether the encoder stays as it is, in inference mode and without
            gradient: for linear evaluation, and for fine-tuning the head alone.
        image_size: side in pixels of the images it is made for.
        label_names: of the classes, in order; None for their numbers.
        head_std: standard deviation of the head's normal initial weights (He et al.,
            MoCo (CVPR 2020), Sec. 4.1: 0.01).

    `fit` takes (images, labels) with int labels [batch], 0 and up, or the batches of
    `data.pipeline.labelled_batches`.
    """

    guard: Any = None  # an `engine.nonfinite.NonfiniteGuard`, where a run sets one

    def __init__(
        self,
        encoder: Encoder,
        classes: int,
        *,
        frozen: bool = False,
        image_size: int | None = None,
        label_names: Sequence[str] | None = None,
        head_std: float = 0.01,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder.without_projector()
        self.classes, self.frozen, self.image_size = classes, frozen, image_size
        self.label_names = tuple(label_names or map(str, range(classes)))
        self.head_std = head_std
        self.head = keras.layers.Dense(
            classes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=head_std),
            dtype="float32",
            name="head",
        )
        self.head.build((None, encoder.feature_dim))
        for variable in self.encoder.variables if frozen else ():
            variable.trainable = False
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", trainable=False, initializer="zeros"
        )
        self._means = {n: keras.metrics.Mean(name=n) for n in ("loss", "top1")}
        self.supports_jit = bool(tf.config.list_physical_devices("GPU"))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Classify images: logits [batch, classes], float32."""
        training = training and not self.frozen
        return self.head(self.encoder.features(images, training=training))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Take a step of cross-entropy on (images, labels); return running means."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        before = self.guard.begin(self) if self.guard else []
        with tf.GradientTape() as tape:
            logits = self(images, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            )
            # Gradients are summed over replicas.
            scaled = self.optimizer.scale_loss(loss / distribute.num_replicas())
        gradients = tape.gradient(scaled, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.step.assign_add(1)
        correct = tf.argmax(logits, axis=-1) == tf.cast(labels, tf.int64)
        self._means["loss"].update_state(loss)
        self._means["top1"].update_state(tf.reduce_mean(tf.cast(correct, tf.float32)))
        if self.guard:
            self.guard.end(self, before, gradients)
        return {name: mean.result() for name, mean in self._means.items()}

    @property
    def networks(self) -> dict[str, keras.layers.Layer]:
        """The networks by name, as checkpoints group them."""
        return {"encoder": self.encoder, "head": self.head}

    @property
    def queues(self) -> list:
        """An empty list: a classifier has no queue to hash."""
        return []

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that `fit` resets at every epoch."""
        return list(self._means.values())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the model."""
        return {
            "name": self.name,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "classes": self.classes,
            "frozen": self.frozen,
            "image_size": self.image_size,
            "label_names": self.label_names,
            "head_std": self.head_std,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Classifier":
        """Rebuild the model from `get_config`."""
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})
