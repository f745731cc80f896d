"""Logistic regression by Adam on all examples at once, stopped after some steps.

The papers on graphs judge embeddings so. Where it stops matters: after 100 steps it has
not converged, and embeddings on a larger scale get further.
"""

import numpy as np
import tensorflow as tf

DECAYS = (0.9, 0.999)  # of Adam's averages, and EPSILON: as everywhere
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
    """Minimises the mean cross-entropy, without weight decay.

    Args:
        features: [m, f].
        labels: [m], 0 to before `classes`.
        classes: how many there are.
        learning_rate: of Adam.
        steps: each on all examples.
        seed: of the kernel's start, Glorot's uniform one; the bias starts at 0.

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
def _descend(features, wanted, weights, rate, steps):
    """Adam (Kingma and Ba, ICLR 2015), Algorithm 1."""
    mean = square = tuple(map(tf.zeros_like, weights))
    for step in tf.range(1, steps + 1):
        correction = [1 - decay ** tf.cast(step, tf.float32) for decay in DECAYS]
        gradients = _gradients(features, wanted, *weights)
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


def _gradients(features, wanted, kernel, bias):
    """Of the mean cross-entropy."""
    error = tf.nn.softmax(tf.matmul(features, kernel) + bias) - wanted
    error /= tf.cast(tf.shape(features)[0], tf.float32)
    return tf.matmul(features, error, transpose_a=True), tf.reduce_sum(error, axis=0)
