"""The probe against Adam by finite differences."""

import numpy as np
import pytest

from ressl_tf.graphs import probe


def cross_entropy(features, labels, kernel, bias):
    logits = features @ kernel + bias
    largest = logits.max(axis=1)
    logs = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest
    return np.mean(logs - logits[np.arange(len(labels)), labels])


def numeric_gradient(function, values, step=1e-6):
    gradient = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient


def gradient_of(features, labels, kernel, bias):
    return (
        numeric_gradient(lambda k: cross_entropy(features, labels, k, bias), kernel),
        numeric_gradient(lambda b: cross_entropy(features, labels, kernel, b), bias),
    )


def adam(features, labels, kernel, bias, rate, steps):
    """Take Adam's steps by finite differences, as Kingma and Ba, end of Sec. 2."""
    weights = [kernel.astype(float), bias.astype(float)]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for t in range(1, steps + 1):
        gradients = gradient_of(features, labels, *weights)
        factor = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for i, gradient in enumerate(gradients):
            first[i] += 0.1 * (gradient - first[i])
            second[i] += 0.001 * (gradient**2 - second[i])
            weights[i] = weights[i] - factor * first[i] / np.sqrt(second[i] + 1e-30)
    return weights


def examples():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(12, 4)).astype(np.float32)
    return features, generator.integers(0, 3, 12)


def test_the_probe_is_adam_on_the_mean_cross_entropy():
    features, labels = examples()
    start = probe.fit(features, labels, 3, steps=0, seed=5)
    np.testing.assert_array_equal(start[1], np.zeros(3))
    ended = probe.fit(features, labels, 3, learning_rate=0.05, steps=25, seed=5)
    wanted = adam(features, labels, *start, rate=0.05, steps=25)
    for found, right in zip(ended, wanted, strict=True):
        np.testing.assert_allclose(found, right, atol=2e-4)
    assert np.abs(ended[0] - start[0]).max() > 0.3


def test_the_probe_starts_as_glorot_says_and_by_its_seed():
    features, labels = np.zeros((2, 60), np.float32), np.array([0, 1])
    kernel, _ = probe.fit(features, labels, 40, steps=0, seed=1)
    limit = np.sqrt(6 / 100)
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    again, other = (probe.fit(features, labels, 40, steps=0, seed=s)[0] for s in (1, 2))
    np.testing.assert_array_equal(kernel, again)
    assert not np.array_equal(kernel, other)
