"""Projector and predictor: PyTorch's initialisation, with and without norm."""

import math

import keras
import numpy as np
import pytest

from ressl_tf.models import heads


def test_it_is_two_linear_layers_with_a_relu_between():
    head = heads.projector(5, 7, 3)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    w1, b1, w2, b2 = (v.numpy() for v in head.variables)
    expected = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(head(x, training=True), expected, atol=1e-5)
    assert len(head.trainable_variables) == len(head.variables) == 4


def test_weights_and_biases_start_uniform_within_one_over_root_of_the_inputs():
    keras.utils.set_random_seed(0)
    head = heads.projector(400, 3000, 2000)
    for variable, inputs in zip(head.variables, (400, 400, 3000, 3000), strict=True):
        values, bound = variable.numpy() * math.sqrt(inputs), 1.0
        assert 0.99 < np.abs(values).max() <= bound
        np.testing.assert_allclose(values.std(), bound / math.sqrt(3), rtol=0.03)


def test_with_norm_there_is_no_last_bias():
    """Linear - BN - ReLU - Linear on the statistics of the batch."""
    head = heads.projector(5, 7, 3, norm="local")
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    w1, b1, gamma, beta, w2 = (v.numpy() for v in head.trainable_variables)
    hidden = x @ w1 + b1
    normal = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    expected = np.maximum(gamma * normal + beta, 0) @ w2
    np.testing.assert_allclose(head(x, training=True), expected, atol=1e-5)
    assert head.get_layer("bn").scope == "local"


@pytest.mark.parametrize(
    ("depth", "norm", "shapes"),
    [
        (1, "local", [(3, 3)]),
        (1, None, [(3, 3), (3,)]),
        (2, None, [(3, 9), (9,), (9, 3), (3,)]),
        (2, "sync", [(3, 9), (9,), (9,), (9,), (9, 3)]),
        (3, None, [(3, 9), (9,), (9, 9), (9,), (9, 3), (3,)]),
    ],
)
def test_a_predictor_has_so_many_linear_layers(depth, norm, shapes):
    head = heads.predictor(3, 9, depth, norm)
    assert [tuple(v.shape) for v in head.trainable_variables] == shapes
    assert head.output_shape == (None, 3)
