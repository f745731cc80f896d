"""Schedules: step -> value, nothing else."""

import math

import keras
import tensorflow as tf


def warmup_cosine(
    step: tf.Tensor, peak: float, warmup_steps: int, total_steps: int
) -> tf.Tensor:
    """Linear warm-up from 0 to `peak`, then a half cosine from `peak` to 0.

    Args:
        step: scalar, counted from 0.
        peak: the value at the end of the warm-up.
        warmup_steps: 0 for none.
        total_steps: the step at which the value reaches 0; it stays there.

    Returns:
        float32 scalar.
    """
    step = tf.cast(step, tf.float32)
    rising = step / max(warmup_steps, 1)
    progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    falling = 0.5 * (1.0 + tf.cos(math.pi * tf.clip_by_value(progress, 0.0, 1.0)))
    return peak * tf.where(step < warmup_steps, rising, falling)


@keras.saving.register_keras_serializable(package="ressl_tf")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """`warmup_cosine` as a learning rate of a Keras optimizer.

    Example:
        optimizer = SGD(WarmupCosine(0.06, warmup_steps=975, total_steps=39_000))
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int):
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step):
        return warmup_cosine(step, self.peak, self.warmup_steps, self.total_steps)

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }
