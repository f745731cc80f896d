"""SGD and LARS with coupled decay, AdamW with its own."""

import keras
import numpy as np
import pytest

from ressl_tf.engine.optimizers import LARS, SGD, AdamW
from ressl_tf.engine.schedules import Cosine, WarmupCosine


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
    optimizer = SGD(1.0, momentum=0.0, weight_decay=0.5, decay_bias_and_norm=False)
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


@pytest.mark.parametrize("decay_bias_and_norm", [True, False])
def test_lars_steps_in_proportion_to_the_weights_of_a_matrix(decay_bias_and_norm):
    """Two steps against NumPy; vectors and matrices of zeros keep their gradient."""
    generator = np.random.default_rng(0)
    weights = [generator.normal(size=shape) for shape in [(3, 2), (4,), (2, 2)]]
    weights[2] *= 0
    gradients = [[generator.normal(size=w.shape) for w in weights] for _ in range(2)]
    optimizer = LARS(2.0, 0.9, 0.1, decay_bias_and_norm, trust_coefficient=0.01)
    result = descend(optimizer, weights, gradients)
    for index, w in enumerate(weights):
        velocity = np.zeros_like(w)
        for step in gradients:
            g = step[index] + (0.1 * w if w.ndim > 1 or decay_bias_and_norm else 0)
            if w.ndim > 1 and np.linalg.norm(w) > 0:
                g = g * 0.01 * np.linalg.norm(w) / np.linalg.norm(g)
            velocity = 0.9 * velocity + g
            w = w - 2.0 * velocity
        np.testing.assert_allclose(result[index], w, rtol=1e-5)


def test_lars_leaves_alone_what_has_no_gradient():
    (w,) = descend(LARS(1.0, weight_decay=0.0), [np.ones((2, 2))], [[np.zeros((2, 2))]])
    np.testing.assert_array_equal(w, 1.0)


@pytest.mark.parametrize("cls", [SGD, LARS])
def test_config_round_trip(cls):
    schedule = WarmupCosine(0.3, 5, 50, hold=10)
    optimizer = cls(schedule, 0.8, 1e-3, decay_bias_and_norm=False)
    again = cls.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.0


def pytorchs_adamw(w, gradients, rate, decay, amsgrad=False):
    """Take PyTorch's steps: decay, then a step by moments corrected one by one."""
    mean = square = largest = np.zeros_like(w)
    for number, gradient in enumerate(gradients, 1):
        w = w - rate * decay * w
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        largest = np.maximum(largest, square)
        root = np.sqrt((largest if amsgrad else square) / (1 - 0.999**number))
        w = w - rate * mean / (1 - 0.9**number) / (root + 1e-8)
    return w


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adamw_decays_apart_from_the_gradient_as_pytorchs(amsgrad):
    generator = np.random.default_rng(0)
    start, steps = generator.normal(size=(3, 2)), generator.normal(size=(4, 3, 2))
    optimizer = AdamW(0.1, weight_decay=0.3, amsgrad=amsgrad)
    (w,) = descend(optimizer, [start], [[g] for g in steps])
    wanted = pytorchs_adamw(start, steps, 0.1, 0.3, amsgrad)
    np.testing.assert_allclose(w, wanted, atol=1e-6)


def test_adamw_weighs_epsilon_against_tiny_gradients_as_pytorch_does():
    """Around epsilon, 1e-8, where Keras's own would hardly move in the first steps."""
    generator = np.random.default_rng(1)
    sizes = 10.0 ** np.arange(-10, -5)
    steps = generator.normal(size=(3, 5)) * sizes
    start = np.zeros(5, "float32")
    (w,) = descend(AdamW(0.1, weight_decay=0.0), [start], [[g] for g in steps])
    wanted = pytorchs_adamw(start, steps, 0.1, 0.0)
    assert 0.001 < np.abs(wanted[0]) < 0.01 < np.abs(wanted[-1])
    np.testing.assert_allclose(w, wanted, rtol=2e-6)


def test_adamw_spares_vectors_when_asked_and_keeps_its_config():
    optimizer = AdamW(1.0, weight_decay=0.5, decay_bias_and_norm=False)
    zeros = [[np.zeros((2, 2)), np.zeros(2)]]
    kernel, bias = descend(optimizer, [np.ones((2, 2)), np.ones(2)], zeros)
    np.testing.assert_allclose(kernel, 0.5)
    np.testing.assert_allclose(bias, 1.0)
    copy = AdamW.from_config(optimizer.get_config())
    assert (copy.decay_bias_and_norm, copy.weight_decay, copy.epsilon) == (
        False,
        0.5,
        1e-8,
    )


def test_a_scheduled_decay_is_that_of_the_step_and_keeps_its_config():
    start = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    steps = np.random.default_rng(1).normal(size=(5, 3, 2)).astype("float32")
    optimizer = AdamW(0.1, weight_decay=Cosine(0.04, 0.4, 4))
    copy = AdamW.from_config(optimizer.get_config())
    assert copy.decay_schedule.get_config() == optimizer.decay_schedule.get_config()
    # of DINO's cosine_scheduler; from its end on it stays
    decays = [0.4 + 0.5 * (0.04 - 0.4) * (1 + np.cos(np.pi * i / 4)) for i in range(4)]
    w, mean, square = start.astype("float64"), 0.0, 0.0
    for t, (g, decay) in enumerate(zip(steps, [*decays, 0.4], strict=True), 1):
        w = w - 0.1 * decay * w
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        root = np.sqrt(square / (1 - 0.999**t)) + 1e-8
        w = w - 0.1 * mean / (1 - 0.9**t) / root
    (made,) = descend(copy, [start], [[g] for g in steps])
    np.testing.assert_allclose(made, w, rtol=1e-5, atol=1e-6)
    assert float(copy.weight_decay) == pytest.approx(0.4)


def test_adamws_rates_and_decays_differ_by_multipliers_as_pytorchs_groups_do():
    start = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")
    steps = np.random.default_rng(1).normal(size=(4, 2, 3, 2)).astype("float32")
    optimizer = AdamW(0.1, weight_decay=0.3, multipliers=[0.25, 1.0])
    optimizer = AdamW.from_config(optimizer.get_config())
    made = descend(optimizer, list(start), [list(step) for step in steps])
    for index, rate in enumerate((0.025, 0.1)):
        wanted = pytorchs_adamw(start[index], steps[:, index], rate, 0.3)
        np.testing.assert_allclose(made[index], wanted, rtol=1e-5, atol=1e-6)
