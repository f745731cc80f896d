"""Batch normalisation with PyTorch's constants and the papers' three scopes."""

from typing import Any

import keras
import tensorflow as tf

from ressl_tf.config.backbone_table import SPLIT_GROUPS


@keras.saving.register_keras_serializable(package="ressl_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with a fused kernel and a scope.

    Momentum 0.9 and epsilon 1e-5 are PyTorch's. The variables are those of the stock
    layer, so weights can be copied between the two. A frozen layer (`trainable =
    False`) works in inference mode, as Keras's does.

    Args:
        scope: the samples whose training statistics are shared. "local": the replica's
            shard of the batch. "shuffle": the same, which the model may have permuted.
            "sync": those of all replicas. "split": each of `groups` groups of the
            replica's shard by itself, sample n in group n mod `groups`; the running
            statistics are updated by the mean over groups.
        groups: number of groups of "split"; the shard must be a multiple of it.
    """

    def __init__(self, scope: str = "local", groups: int = SPLIT_GROUPS, **kwargs):
        kwargs = {"momentum": 0.9, "epsilon": 1e-5, **kwargs}
        super().__init__(synchronized=scope == "sync", **kwargs)
        self.scope, self.groups = scope, groups

    def add_weight(
        self, *args: Any, trainable: bool = True, **kwargs: Any
    ) -> keras.Variable:
        """Add a variable; the running statistics are averaged over replicas."""
        if not trainable:  # replicas may differ; their mean is kept
            kwargs["aggregation"] = "mean"
        return super().add_weight(*args, trainable=trainable, **kwargs)

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Normalise the inputs; in training, update the running statistics."""
        if not training or not self.trainable or self.scope == "sync":
            return super().call(inputs, training=training, mask=mask)
        normalize = self._split if self.scope == "split" else self._local
        outputs, mean, variance = normalize(inputs)
        self._update_running(self.moving_mean, mean)
        self._update_running(self.moving_variance, variance)
        return outputs

    def _local(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return outputs, mean and variance over all samples."""
        images = inputs if inputs.shape.rank == 4 else inputs[:, None, None, :]
        gamma, beta = self._scale_and_offset()
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images, gamma, beta, epsilon=self.epsilon, is_training=True
        )
        return tf.reshape(outputs, tf.shape(inputs)), mean, variance

    def _scale_and_offset(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return gamma and beta, or 1 and 0 where a layer has none."""
        gamma = tf.ones_like(self.moving_mean) if self.gamma is None else self.gamma
        beta = tf.zeros_like(self.moving_mean) if self.beta is None else self.beta
        return gamma, beta

    def _split(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return outputs by group, and mean and variance averaged over groups."""
        shape = tf.shape(inputs)
        grouped = tf.reshape(
            tf.cast(inputs, tf.float32),
            tf.concat([[-1, self.groups], shape[1:]], axis=0),
        )  # [batch / groups, groups, ..., channels]
        axes = [0, *range(2, inputs.shape.rank)]
        mean, variance = tf.nn.moments(grouped, axes, keepdims=True)
        outputs = tf.nn.batch_normalization(
            grouped, mean, variance, self.beta, self.gamma, self.epsilon
        )
        count = tf.size(grouped) / (self.groups * inputs.shape[-1])
        unbiased = variance * tf.cast(count / (count - 1), tf.float32)
        means = [tf.reshape(x, [self.groups, -1]) for x in (mean, unbiased)]
        mean, variance = (tf.reduce_mean(x, axis=0) for x in means)
        return tf.reshape(tf.cast(outputs, inputs.dtype), shape), mean, variance

    def _update_running(self, variable: keras.Variable, value: tf.Tensor) -> None:
        rate = 1.0 - self.momentum
        variable.assign(variable + rate * (tf.stop_gradient(value) - variable))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        config = super().get_config()
        del config["synchronized"]
        return {**config, "scope": self.scope, "groups": self.groups}
