"""Logistic regression by a fixed number of Adam steps, each on all examples.

The papers on graphs evaluate embeddings this way. The number of steps matters: after
100 it has not converged, and embeddings on a larger scale get further.
"""

import numpy as np
import tensorflow as tf

DECAYS = (0.9, 0.999)  # of Adam's averages; these and EPSILON as in the paper
EPSILON = 1e-8


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    learning_rate: float = 0.01,
    steps: int = 100,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the mean cross-entropy, without weight decay.

    Args:
        features: [m, f].
        labels: [m], 0 to `classes` - 1.
        classes: number of classes.
        learning_rate: of Adam.
        steps: number of steps.
        seed: of the kernel's initial values, Glorot's uniform ones; the bias starts at
            0.

    Returns:
        Kernel [f, classes] and bias [classes]: logits = features @ kernel + bias.
    """
    limit = np.sqrt(6 / (features.shape[1] + classes))
    shape = (features.shape[1], classes)
    kernel = tf.random.stateless_uniform(shape, (seed, 0), -limit, limit)
    kernel, bias = _descend(
        tf.constant(features, tf.float32),
        tf.one_hot(labels, classes),
        (kernel, tf.zeros(classes)),
        tf.constant(learning_rate, tf.float32),
        tf.constant(steps),
    )
    return kernel.numpy(), bias.numpy()


@tf.function(reduce_retracing=True)
def _descend(features, targets, weights, rate, steps):
    """Take steps of Adam (Kingma and Ba, ICLR 2015), Algorithm 1."""
    mean = square = tuple(map(tf.zeros_like, weights))
    for step in tf.range(1, steps + 1):
        correction = [1 - decay ** tf.cast(step, tf.float32) for decay in DECAYS]
        gradients = _gradients(features, targets, *weights)
        mean, square = (
            tuple(
                decay * old + (1 - decay) * g**power
                for old, g in zip(average, gradients, strict=True)
            )
            for decay, average, power in zip(
                DECAYS, (mean, square), (1, 2), strict=True
            )
        )
        weights = tuple(
            w - rate * (m / correction[0]) / (tf.sqrt(v / correction[1]) + EPSILON)
            for w, m, v in zip(weights, mean, square, strict=True)
        )
    return weights


def _gradients(features, targets, kernel, bias):
    """Return the gradients of the mean cross-entropy."""
    error = tf.nn.softmax(tf.matmul(features, kernel) + bias) - targets
    error /= tf.cast(tf.shape(features)[0], tf.float32)
    return tf.matmul(features, error, transpose_a=True), tf.reduce_sum(error, axis=0)
