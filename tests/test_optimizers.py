"""SGD with coupled decay, and the schedule."""

import keras
import numpy as np
import pytest

from ressl_tf.optimizers import SGD
from ressl_tf.schedules import WarmupCosine, warmup_cosine


def descend(optimizer, weights, gradients):
    variables = [keras.Variable(w) for w in weights]
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply(step, variables)
    return [v.numpy() for v in variables]


def test_velocity_does_not_contain_the_learning_rate():
    """Two steps by hand: v1 = g1 + wd w0, w1 = w0 - lr1 v1, v2 = .9 v1 + g2 + wd w1."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
    optimizer = SGD(schedule, momentum=0.9, weight_decay=0.1)
    (w,) = descend(optimizer, [np.ones((2, 2))], [[np.full((2, 2), 2.0)]] * 2)
    v1 = 2 + 0.1 * 1
    w1 = 1 - 0.5 * v1
    v2 = 0.9 * v1 + 2 + 0.1 * w1
    np.testing.assert_allclose(w, w1 - 0.25 * v2, rtol=1e-6)


def test_vectors_are_spared_when_asked():
    optimizer = SGD(1.0, momentum=0.0, weight_decay=0.5, decay_vectors=False)
    kernel, bias = descend(
        optimizer, [np.ones((2, 2)), np.ones(2)], [[np.zeros((2, 2)), np.zeros(2)]]
    )
    np.testing.assert_allclose(kernel, 0.5)
    np.testing.assert_allclose(bias, 1.0)


def test_nesterov_steps_along_the_gradient_and_the_next_velocity():
    """PyTorch's form: w <- w - lr (g + m v), v = m v + g."""
    optimizer = SGD(0.5, momentum=0.9, weight_decay=0.0, nesterov=True)
    (w,) = descend(optimizer, [np.ones(2)], [[np.full(2, 2.0)]] * 2)
    v1, v2 = 2.0, 0.9 * 2 + 2
    np.testing.assert_allclose(w, 1 - 0.5 * (2 + 0.9 * v1) - 0.5 * (2 + 0.9 * v2))


def test_multipliers_scale_the_rate_of_each_variable():
    optimizer = SGD(0.5, momentum=0.0, weight_decay=0.0, multipliers=[0.1, 1.0])
    first, second = descend(
        optimizer, [np.ones(2), np.ones(2)], [[np.ones(2), np.ones(2)]]
    )
    np.testing.assert_allclose(first, 1 - 0.5 * 0.1)
    np.testing.assert_allclose(second, 1 - 0.5)


def test_config_round_trip():
    optimizer = SGD(WarmupCosine(0.3, 5, 50), 0.8, 1e-3, decay_vectors=False)
    again = SGD.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.0),
        (5, 0.03),
        (10, 0.06),
        (55, 0.03),  # half of the cosine
        (100, 0.0),
        (101, 0.0),
    ],
)
def test_warmup_then_cosine(step, expected):
    value = warmup_cosine(step, 0.06, warmup_steps=10, total_steps=100)
    assert float(value) == pytest.approx(expected, abs=1e-8)


def test_without_warmup_it_starts_at_the_peak():
    assert float(warmup_cosine(0, 0.5, 0, 10)) == pytest.approx(0.5)


def test_warmup_alone_ends_below_the_peak():
    assert float(warmup_cosine(9, 1.0, 10, 10)) == pytest.approx(0.9)
