"""Random numbers that are the same with XLA and without, on every device."""

import tensorflow as tf

MANTISSA = 23  # bits of a float32


def uniform(shape: list[int | tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
    """Draw float32 numbers in [0, 1), the same bits as `stateless_uniform` on a CPU.

    `stateless_uniform` itself gives other numbers for the same seed under XLA.

    Args:
        shape: of the result.
        seed: int32 [2].
    """
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
    )
    return tf.cast(tf.bitwise.bitwise_and(bits, 2**MANTISSA - 1), tf.float32) * (
        2.0**-MANTISSA
    )


def permutation(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw a random order of 0..count-1, int32 [count].

    XLA has no `stateless_shuffle`.

    Args:
        count: how many numbers.
        seed: int32 [2].
    """
    return tf.argsort(uniform([count], seed), stable=True)
