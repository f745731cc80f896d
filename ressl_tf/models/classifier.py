"""An encoder with a linear head that learns from labels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime import distribute


@keras.saving.register_keras_serializable(package="ressl_tf")
class Classifier(keras.Model):
    """An encoder with a linear head: raw images [b, h, w, 3] on 0..255 to logits.

    Args:
        encoder: gives the features; a projector is left out.
        classes: how many there are.
        frozen: the encoder stays as it is: in inference mode, without gradient. For
            linear evaluation, and for fine-tuning the head alone.
        image_size: side in pixels of the images it is made for.
        label_names: of the classes, in order; None for their numbers.
        head_std: of the head's normal initial weights (He et al., MoCo (CVPR 2020),
            Sec. 4.1: 0.01).

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

    def call(self, images, training=False):
        training = training and not self.frozen
        return self.head(self.encoder.features(images, training=training))

    def train_step(self, data):
        """Take a step of cross-entropy on (images, labels); return the means."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        before = self.guard.begin(self) if self.guard else []
        with tf.GradientTape() as tape:
            logits = self(images, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            )
            # The optimizer sums gradients over replicas.
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
        """Name -> network, as checkpoints group them."""
        return {"encoder": self.encoder, "head": self.head}

    @property
    def queues(self) -> list:
        """None; what is hashed of a run is its networks."""
        return []

    @property
    def metrics(self):
        return list(self._means.values())

    def get_config(self):
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
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})
