"""Logistic regression: its optimum, its choice of c, its form for raw features."""

import logging

import numpy as np
import pytest

from ressl_tf.evaluate import logistic


def clouds(count, classes=3, spread=1.0, seed=0):
    """Draw Gaussian clouds at corners of a simplex, on features of unlike scales."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    features = 2 * np.eye(classes)[labels] + spread * generator.normal(
        size=(count, classes)
    )
    scales = 10.0 ** np.arange(classes)
    return (features * scales + 7 * scales).astype(np.float32), labels


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_gradient_vanishes_at_the_solution(classes):
    """The loss is sum of cross-entropy + |W|^2 / 2c on standardised features."""
    features, labels = clouds(300, classes)
    solution = logistic.fit(features, labels, classes, [0.5])
    std = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / std
    wanted = np.eye(classes)[labels]
    error = softmax(features @ solution.kernel + solution.bias) - wanted
    kernel = solution.kernel * std[:, None]
    # Of two classes only the difference of the columns is penalised.
    penalty = kernel if classes > 2 else kernel * 2
    gradient = scaled.T @ error + penalty / 0.5
    assert np.abs(gradient).max() < 0.05 * np.abs(penalty / 0.5).max()
    assert np.abs(error.sum(axis=0)).max() < 0.05


def test_the_strength_is_chosen_on_what_was_held_out():
    features, labels = clouds(60, spread=3.0)
    noise = np.random.default_rng(1).normal(size=(60, 200))
    features = np.concatenate([features, 10 * noise], axis=1)
    solution = logistic.fit(features, labels, 3, [1e-4, 1e-2, 1.0])
    best = max(solution.accuracies.values())
    assert solution.accuracies[solution.c] == best
    assert set(solution.accuracies) == {1e-4, 1e-2, 1.0}


def test_a_tenth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2], [50, 15, 1])
    held = logistic._held_out(labels, seed=3)
    assert [held[labels == label].sum() for label in range(3)] == [5, 2, 0]
    np.testing.assert_array_equal(held, logistic._held_out(labels, seed=3))
    assert not np.array_equal(held, logistic._held_out(labels, seed=4))


def test_a_class_without_examples_is_never_the_answer():
    features, labels = clouds(90)
    kept = labels != 1
    solution = logistic.fit(features[kept], labels[kept], 4, [1.0])
    answers = (features @ solution.kernel + solution.bias).argmax(axis=1)
    assert set(answers) == {0, 2}
    assert np.mean(answers[kept] == labels[kept]) > 0.8


def test_an_end_of_the_list_and_a_stop_too_soon_are_said(caplog):
    caplog.set_level(logging.WARNING, "ressl_tf")
    features, labels = clouds(300, spread=2.0)
    logistic.fit(features, labels, 3, [1e-9, 1e-8], iterations=1)
    assert "has not converged after 1 iterations" in caplog.text
    assert "at an end of --lbfgs_c" in caplog.text
