"""Losses against their definitions."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_rgrl as reference

from ressl_tf import losses


def unit(shape, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype("float32")


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_relation_is_the_scaled_cosine():
    q, queue = unit((3, 5), 0), unit((7, 5), 1)
    expected = q @ queue.T / 0.04
    np.testing.assert_allclose(losses.relation(q, queue, 0.04), expected, rtol=1e-5)


def test_relation_is_float32_under_mixed_precision():
    q, queue = tf.cast(unit((3, 5), 0), tf.bfloat16), unit((7, 5), 1)
    assert losses.relation(q, queue, 0.1).dtype == tf.float32


def test_cross_entropy_against_numpy():
    rng = np.random.default_rng(2)
    teacher, student = rng.normal(size=(2, 4, 9), scale=4).astype("float32")
    expected = -(softmax(teacher) * np.log(softmax(student))).sum(-1).mean()
    np.testing.assert_allclose(
        losses.cross_entropy(teacher, student), expected, rtol=1e-5
    )


def test_gradient_of_the_cross_entropy_is_the_difference_of_the_relations():
    rng = np.random.default_rng(3)
    teacher, student = rng.normal(size=(2, 4, 9)).astype("float32")
    teacher, student = tf.Variable(teacher), tf.Variable(student)
    with tf.GradientTape() as tape:
        loss = losses.cross_entropy(teacher, student)
    to_teacher, to_student = tape.gradient(loss, [teacher, student])
    assert to_teacher is None
    expected = (softmax(student.numpy()) - softmax(teacher.numpy())) / 4
    np.testing.assert_allclose(to_student, expected, atol=1e-6)


def test_entropy_of_uniform_and_of_one_neighbour():
    assert float(losses.entropy(tf.zeros((2, 50)))) == pytest.approx(
        math.log(50), rel=1e-6
    )
    assert float(losses.entropy(1e4 * tf.eye(3))) == pytest.approx(0.0, abs=1e-6)


def test_embedding_std_is_zero_at_a_point_and_one_over_root_d_when_spread():
    assert float(losses.embedding_std(tf.ones((8, 4)) / 2.0)) == pytest.approx(
        0.0, abs=1e-6
    )
    spread = losses.embedding_std(unit((20_000, 64), 4))
    assert float(spread) == pytest.approx(1 / math.sqrt(64), rel=0.01)


@pytest.mark.parametrize(
    ("queue_size", "dim", "low", "high"),
    [
        (4096, 128, 6.82, 8.72),
        (16384, 128, 8.22, 10.11),
        pytest.param(131072, 512, 11.39, 11.88, marks=pytest.mark.slow),
    ],
)
def test_loss_at_the_start_lies_in_the_simulated_range(queue_size, dim, low, high):
    """With random keys: least for q = k, most for q independent of k."""
    queue, k, q = unit((queue_size, dim), 5), unit((64, dim), 6), unit((64, dim), 7)
    teacher = losses.relation(k, queue, 0.04)
    same = losses.cross_entropy(teacher, losses.relation(k, queue, 0.1))
    independent = losses.cross_entropy(teacher, losses.relation(q, queue, 0.1))
    assert float(same) == pytest.approx(low, abs=0.03)
    assert float(independent) == pytest.approx(high, abs=0.03)


def test_info_nce_against_numpy():
    q, k, queue = unit((3, 5), 0), unit((3, 5), 1), unit((7, 5), 2)
    p = softmax(np.concatenate([(q * k).sum(1)[:, None], q @ queue.T], axis=1) / 0.2)
    expected = -np.log(p[:, 0]).mean()
    np.testing.assert_allclose(losses.info_nce(q, k, queue, 0.2), expected, rtol=1e-5)


def test_info_nce_of_a_key_that_stands_out_is_small_and_finite():
    q = np.eye(4, dtype="float32")[:2]
    assert float(losses.info_nce(q, q, -q, 0.001)) == pytest.approx(0, abs=1e-6)
    assert float(losses.info_nce(q, -q, q, 0.001)) == pytest.approx(2000)


def test_squared_distance_against_numpy():
    a, b = unit((4, 5), 0), unit((4, 5), 1)
    expected = ((a - b) ** 2).sum(1).mean()
    np.testing.assert_allclose(losses.squared_distance(a, b), expected, rtol=1e-5)


def test_divergence_is_the_mean_of_the_rows_that_count():
    generator = np.random.default_rng(0)
    teacher, student = generator.normal(size=(2, 5, 4)).astype("float32")
    rows = reference.divergence(teacher.astype("float64"), student)
    assert float(losses.divergence(teacher, student)) == pytest.approx(rows.mean())
    some = tf.constant([True, False, True, False, False])
    mean = float(losses.divergence(teacher, student, some))
    assert mean == pytest.approx(rows[[0, 2]].mean())
    assert float(losses.divergence(teacher, student, tf.zeros(5, tf.bool))) == 0.0
    assert float(losses.divergence(teacher, teacher)) == pytest.approx(0, abs=1e-6)
