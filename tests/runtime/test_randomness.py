"""The same draws with XLA and without."""

import numpy as np
import tensorflow as tf

from ressl_tf.runtime import randomness

SEED = tf.constant([3, 4])


def test_uniform_numbers_are_tensorflows_with_xla_too():
    draws = randomness.uniform([1000], SEED)
    np.testing.assert_array_equal(draws, tf.random.stateless_uniform([1000], SEED))
    compiled = tf.function(lambda: randomness.uniform([1000], SEED), jit_compile=True)
    np.testing.assert_array_equal(draws, compiled())


def test_permutations_hold_every_number_once():
    order = randomness.permutation(50, SEED)
    assert sorted(order.numpy()) == list(range(50))
    other = randomness.permutation(50, tf.constant([3, 5]))
    assert (order.numpy() != other.numpy()).any()
    compiled = tf.function(lambda: randomness.permutation(50, SEED), jit_compile=True)
    np.testing.assert_array_equal(order, compiled())
