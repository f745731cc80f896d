"""Mixed precision: dtype policies, and a loss scale for float16."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

FIRST_SCALE = 2.0**15
DOUBLED_AFTER = 2000  # steps without overflow, as in Micikevicius et al.
LARGEST_SCALE = 2.0**24
INSTRUCTIONS = {  # as Linux names those of CPUs, x86 and ARM
    "bfloat16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fphp", "asimdhp"},
}


@contextlib.contextmanager
def policy(mixed_precision: str) -> Iterator[None]:
    """Make layers that are created inside compute in a type of 16 bits.

    Their variables stay float32.

    Args:
        mixed_precision: "bfloat16", "float16", or "none" for float32.
    """
    before = keras.config.dtype_policy()
    name = "float32" if mixed_precision == "none" else f"mixed_{mixed_precision}"
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def emulated(mixed_precision: str, cpu_info: str = "/proc/cpuinfo") -> bool:
    """Return whether this type would be emulated, and slower than float32.

    That is so on a machine of CPUs alone that have no instructions for it. Only Linux
    lists them; elsewhere the answer is False.

    Args:
        mixed_precision: as in `policy`.
        cpu_info: where Linux lists the instruction sets.
    """
    path = pathlib.Path(cpu_info)
    if mixed_precision == "none" or not path.exists():
        return False
    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
        return False
    listed = set(path.read_text().split())
    return not listed & INSTRUCTIONS[mixed_precision]


def computes_in_float16(layer: keras.layers.Layer) -> bool:
    """Return whether a layer, or any inside it, computes in float16."""
    return any(part.compute_dtype == "float16" for part in layer._flatten_layers())


class LossScale(keras.layers.Layer):
    """A factor on the loss that keeps small gradients above float16's smallest number.

    It is halved when a gradient overflows, and doubled after 2000 steps without.

    Reference: Micikevicius et al., Mixed Precision Training (ICLR 2018), Sec. 3.2.
    """

    def __init__(self) -> None:
        super().__init__(name="loss_scale", dtype="float32", trainable=False)
        self.scale = self._number("scale", "float32", FIRST_SCALE)
        self.good_steps = self._number("good_steps", "int64", 0)
        self.built = True

    def _number(self, name: str, dtype: str, value: float) -> keras.Variable:
        initializer = keras.initializers.Constant(value)
        return self.add_weight(
            name=name, shape=(), dtype=dtype, trainable=False, initializer=initializer
        )

    def apply(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the loss times the scale."""
        return loss * tf.convert_to_tensor(self.scale)

    def undo(self, gradients: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
        """Divide gradients by the scale: exactly, as it is a power of two."""
        scale = tf.convert_to_tensor(self.scale)
        return [None if g is None else g / scale for g in gradients]

    def update(self, finite: tf.Tensor) -> None:
        """Adapt the scale to a step whose gradients were finite, or were not."""
        scale = tf.convert_to_tensor(self.scale)
        steps = tf.where(finite, tf.convert_to_tensor(self.good_steps) + 1, 0)
        long = steps >= DOUBLED_AFTER
        grown = tf.where(long, tf.minimum(2.0 * scale, LARGEST_SCALE), scale)
        self.scale.assign(tf.where(finite, grown, tf.maximum(0.5 * scale, 1.0)))
        self.good_steps.assign(tf.where(long, tf.zeros_like(steps), steps))


def all_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return whether every number of every tensor is finite, a bool scalar."""
    checks = [tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors]
    return tf.reduce_all(tf.stack(checks))
