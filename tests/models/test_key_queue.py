"""The queue against a list."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models.key_queue import KeyQueue


def keys(count, start):
    return tf.reshape(tf.range(start, start + count * 2, dtype=tf.float32), (count, 2))


def test_starts_with_random_unit_vectors_of_the_seed():
    queue = KeyQueue(500, 16, seed=3)
    rows = queue.read().numpy()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert abs(rows.mean()) < 0.01
    np.testing.assert_array_equal(rows, KeyQueue(500, 16, seed=3).read())
    assert not np.array_equal(rows, KeyQueue(500, 16, seed=4).read())


@pytest.mark.parametrize("batch", [1, 3, 7, 16])
def test_wraps_like_a_list_for_any_size_and_batch(batch):
    """Size 7 is no multiple of 3, equals 7, and is less than 16."""
    queue = KeyQueue(7, 2)
    oldest_first = list(queue.read().numpy())
    step = tf.function(queue.enqueue)
    for i in range(5):
        new = keys(batch, 100 * i)
        step(new)
        oldest_first = [*oldest_first, *new.numpy()][-7:]
        rows = queue.read().numpy()
        position = int(queue.position.numpy())
        in_order = np.concatenate([rows[position:], rows[:position]])
        np.testing.assert_array_equal(in_order, oldest_first)


def test_passes_no_gradient():
    queue = KeyQueue(4, 2)
    with tf.GradientTape() as tape:
        tape.watch(queue.keys.value)
        loss = tf.reduce_sum(queue.read())
    assert tape.gradient(loss, queue.keys.value) is None


def test_has_nothing_to_train():
    queue = KeyQueue(4, 2)
    assert queue.trainable_variables == []
    assert len(queue.variables) == 2
