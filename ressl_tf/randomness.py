"""Draws that TensorFlow and XLA make alike."""

import tensorflow as tf


def permutation(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A random order of 0..count-1, int32 [count]; XLA has no `stateless_shuffle`.

    Args:
        count: of the numbers.
        seed: int32 [2].
    """
    draws = tf.random.stateless_uniform([count], seed, alg="philox")
    return tf.argsort(draws, stable=True)
