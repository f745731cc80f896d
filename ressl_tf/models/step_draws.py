"""Layers that drop at random by the step: a resumed run drops the same.

Keras's own dropout draws from a state of the layer. Here a training step says from
which seed; where none does (inference, the target, an export) nothing is dropped.
"""

import contextlib
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_current = threading.local()  # each replica is traced by a thread of its own


@contextlib.contextmanager
def seeded(seed: tf.Tensor, *numbers: int | tf.Tensor) -> Iterator[None]:
    """Let the layers called meanwhile drop by a seed.

    Args:
        seed: int32 [2].
        *numbers: folded into it, one after another.
    """
    before = _seed()
    for number in numbers:
        seed = tf.random.fold_in(seed, number)
    _current.seed = seed
    try:
        yield
    finally:
        _current.seed = before


def _seed() -> tf.Tensor | None:
    return getattr(_current, "seed", None)


@keras.saving.register_keras_serializable(package="ressl_tf")
class StepDropout(keras.layers.Layer):
    """Dropout by the seed of the step; layers of different names drop differently.

    Kept values are divided by 1 - rate. Stochastic depth (Huang et al., ECCV 2016)
    drops a residual branch of whole samples: `noise_shape=(None, 1, 1)` of tokens.

    Args:
        rate: probability of a value to be dropped.
        noise_shape: of the mask; None at an axis for the inputs' size, 1 where values
            are dropped together. None: each value by itself.
    """

    def __init__(self, rate: float, noise_shape: Any = None, **kwargs):
        super().__init__(**kwargs)
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drop in training, where a step's seed is set."""
        seed = _seed()
        if not training or seed is None or self.rate == 0:
            return inputs
        seed = tf.random.fold_in(seed, zlib.crc32(self.name.encode()) & 0x7FFFFFFF)
        drawn = tf.random.stateless_uniform(self._mask_shape(inputs), seed)
        kept = tf.cast(drawn >= self.rate, inputs.dtype)
        return inputs * kept / tf.cast(1 - self.rate, inputs.dtype)

    def _mask_shape(self, inputs: tf.Tensor) -> list[Any]:
        shape = tf.shape(inputs)
        fixed = self.noise_shape or (None,) * inputs.shape.rank
        return [shape[i] if n is None else n for i, n in enumerate(fixed)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        own = {"rate": self.rate, "noise_shape": self.noise_shape}
        return {**super().get_config(), **own}
