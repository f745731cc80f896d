"""Batch normalisation against NumPy, in its three scopes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models.backbones.batch_norm import BatchNormalization

AXES = {4: (0, 1, 2), 2: (0,)}


def inputs(shape):
    return np.random.default_rng(0).normal(1.5, 2.0, shape).astype("float32")


def layer_for(x, scope):
    layer = BatchNormalization(scope)
    layer.build(x.shape)
    generator = np.random.default_rng(1)
    layer.gamma.assign(generator.uniform(0.5, 2, x.shape[-1]))
    layer.beta.assign(generator.normal(size=x.shape[-1]))
    return layer


def normalise(x, layer):
    axes = AXES[x.ndim]
    mean, variance = x.mean(axes), x.var(axes)
    y = (x - mean) / np.sqrt(variance + 1e-5) * layer.gamma + layer.beta
    count = x.size / x.shape[-1]
    return y, mean, variance * count / (count - 1)


@pytest.mark.parametrize("shape", [(16, 4, 4, 3), (16, 5)])
def test_local_equals_numpy(shape):
    x = inputs(shape)
    layer = layer_for(x, "local")
    y, mean, variance = normalise(x, layer)
    np.testing.assert_allclose(layer(x, training=True), y, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 4, 4, 3), (16, 5)])
def test_split_equals_eight_local_ones(shape):
    """Sample n belongs to group n mod 8; running statistics move by the mean."""
    x = inputs(shape)
    layer = layer_for(x, "split")
    outputs = layer(x, training=True)
    means, variances = [], []
    for group in range(8):
        y, mean, variance = normalise(x[group::8], layer)
        np.testing.assert_allclose(outputs[group::8], y, atol=1e-4)
        means.append(mean)
        variances.append(variance)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * np.mean(means, 0), atol=1e-6)
    expected = 0.9 + 0.1 * np.mean(variances, 0)
    np.testing.assert_allclose(layer.moving_variance, expected, atol=1e-5)


@pytest.mark.parametrize("scope", ["local", "sync", "split"])
def test_inference_uses_running_statistics_and_moves_nothing(scope):
    x = inputs((8, 2, 2, 3))
    layer = layer_for(x, scope)
    layer.moving_mean.assign([1.0, 2.0, 3.0])
    layer.moving_variance.assign([4.0, 5.0, 6.0])
    y = (x - [1, 2, 3]) / np.sqrt(np.array([4, 5, 6]) + 1e-5)
    y = y * layer.gamma.numpy() + layer.beta.numpy()
    np.testing.assert_allclose(layer(x, training=False), y, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0, 3.0])


def test_the_gradient_flows_through_the_statistics():
    """A shift of all inputs changes nothing, so the gradients sum to zero."""
    for scope in ("local", "split"):
        x = tf.constant(inputs((16, 3)))
        layer = layer_for(x, scope)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) ** 3)
        gradient = tape.gradient(loss, x).numpy()
        assert np.abs(gradient).max() > 0.1
        np.testing.assert_allclose(gradient.sum(0), 0, atol=1e-3)


def test_the_stock_layer_takes_its_weights():
    x = inputs((8, 2, 2, 3))
    layer = layer_for(x, "local")
    layer(x, training=True)
    stock = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    stock.build(x.shape)
    stock.set_weights(layer.get_weights())
    np.testing.assert_allclose(stock(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("scope", ["local", "sync", "split"])
def test_a_frozen_layer_works_in_inference_mode_as_the_stock_one_does(scope):
    x = inputs((16, 2, 2, 3))
    layer, stock = layer_for(x, scope), keras.layers.BatchNormalization(epsilon=1e-5)
    stock.build(x.shape)
    layer.moving_mean.assign([1.0, 2.0, 3.0])
    stock.set_weights(layer.get_weights())
    layer.trainable = stock.trainable = False
    y = layer(x, training=True)
    np.testing.assert_allclose(y, stock(x, training=True), atol=1e-5)
    np.testing.assert_array_equal(y, layer(x, training=False))
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(layer.moving_variance, np.ones(3))
