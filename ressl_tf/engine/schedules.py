"""Schedules of learning rate, decay and weights of losses: functions of the step."""

import math
from typing import Any

import keras
import tensorflow as tf


def warmup_cosine(
    step: tf.Tensor, peak: float, warmup_steps: int, total_steps: int
) -> tf.Tensor:
    """Rise linearly from 0 to `peak`, then fall by a half cosine from `peak` to 0.

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


FADES = {  # progress on 0..1 -> weight
    "cosine": lambda progress: 0.5 * (1.0 + tf.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
    "switch": lambda progress: tf.cast(progress < 1.0, tf.float32),
    "constant": tf.ones_like,
    "off": tf.zeros_like,
}


def fade(step: tf.Tensor | int, total_steps: int, form: str) -> tf.Tensor:
    """Return a weight that starts at 1 and fades.

    Args:
        step: scalar; from `total_steps` on, the weight stays.
        total_steps: the step at which it is 0; 0 for 0 from the start.
        form: of `FADES`: "cosine", "linear", "switch" (1, then 0), "constant" (always
            1, whatever the step) or "off" (always 0).

    Returns:
        float32 scalar.
    """
    progress = tf.cast(step, tf.float32) / total_steps if total_steps else tf.ones(())
    return FADES[form](tf.clip_by_value(progress, 0.0, 1.0))


@keras.saving.register_keras_serializable(package="ressl_tf")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """`warmup_cosine` as a schedule of a Keras optimizer.

    Args:
        peak: the value at the end of the warm-up.
        warmup_steps: 0 for none.
        total_steps: the step at which the value reaches 0.
        hold: number of steps, such as those of an epoch, for which the cosine keeps a
            value; the warm-up rises at each step.

    Example:
        optimizer = SGD(WarmupCosine(0.06, warmup_steps=975, total_steps=39_000))
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int, hold: int = 1):
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.hold = hold

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the learning rate at a step, float32 scalar."""
        if self.hold > 1:
            step = tf.cast(step, tf.int64)
            held = tf.maximum(step // self.hold * self.hold, self.warmup_steps)
            step = tf.where(step < self.warmup_steps, step, held)
        return warmup_cosine(step, self.peak, self.warmup_steps, self.total_steps)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "hold": self.hold,
        }


@keras.saving.register_keras_serializable(package="ressl_tf")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """A value that goes from one to another by a half cosine, and stays there.

    Weight decay follows it in DINO (Caron et al., ICCV 2021, Sec. 3.2).

    Args:
        start: the value at step 0.
        end: the value from `total_steps` on.
        total_steps: at least 1.
    """

    def __init__(self, start: float, end: float, total_steps: int):
        self.start, self.end, self.total_steps = start, end, total_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the value at a step, float32 scalar."""
        left = fade(step, self.total_steps, "cosine")
        return self.end + (self.start - self.end) * left

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"start": self.start, "end": self.end, "total_steps": self.total_steps}


@keras.saving.register_keras_serializable(package="ressl_tf")
class WarmupConstant(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up from 0, then a constant learning rate.

    Args:
        peak: the value from the end of the warm-up.
        warmup_steps: 0 for none.
    """

    def __init__(self, peak: float, warmup_steps: int = 0):
        self.peak, self.warmup_steps = peak, warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the learning rate at a step, float32 scalar."""
        rising = tf.cast(step, tf.float32) / max(self.warmup_steps, 1)
        return self.peak * tf.where(step < self.warmup_steps, rising, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"peak": self.peak, "warmup_steps": self.warmup_steps}


@keras.saving.register_keras_serializable(package="ressl_tf")
class Restart(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate by one schedule up to a step, and by another one after it.

    Args:
        first: schedule of the steps before `step`.
        step: the first one of the second schedule, which counts from 0 there.
        second: schedule of the steps from `step` on.

    Reference: Loshchilov & Hutter, SGDR (ICLR 2017), one warm restart.
    """

    def __init__(self, first, step: int, second):
        self.first, self.step, self.second = first, step, second

    def __call__(self, step):
        """Return the learning rate of a step, float32 []."""
        step = tf.cast(step, tf.int64)
        after = tf.maximum(step - self.step, 0)
        return tf.where(step < self.step, self.first(step), self.second(after))

    def get_config(self):
        """Return the constructor's arguments, as Keras saves them."""
        serialize = keras.saving.serialize_keras_object
        parts = {"first": serialize(self.first), "second": serialize(self.second)}
        return {**parts, "step": self.step}

    @classmethod
    def from_config(cls, config):
        """Make the schedule of a saved config."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("first", "second")
        }
        return cls(step=config["step"], **parts)
