"""CutMix and mixup, by their definitions and distributions."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.augment import mixing


def test_cutmix_boxes_are_distributed_as_the_papers():
    """Against NumPy's own draws, through the mean and the spread of the share."""
    images = tf.zeros((1, 32, 32, 3))

    @tf.function
    def shares():
        seeds = tf.stack([tf.range(4000), tf.zeros(4000, tf.int32)], axis=1)
        return tf.map_fn(
            lambda seed: mixing.cutmix(images, images, seed)[1],
            seeds,
            fn_output_signature=tf.float32,
        )

    generator, expected = np.random.default_rng(0), []
    for _ in range(20_000):
        half = int(32 * np.sqrt(1 - generator.beta(1, 1))) // 2
        centre = generator.integers(0, 32, 2)
        sides = np.clip(centre + half, 0, 32) - np.clip(centre - half, 0, 32)
        expected.append(1 - sides.prod() / 32**2)
    drawn = shares().numpy()
    assert drawn.mean() == pytest.approx(np.mean(expected), abs=0.015)
    assert drawn.std() == pytest.approx(np.std(expected), abs=0.015)


def test_mixup_is_a_weighted_mean():
    first, second = tf.fill((2, 4, 4, 3), 10.0), tf.fill((2, 4, 4, 3), 30.0)
    mixed, share = mixing.mixup(first, second, (1, 2))
    np.testing.assert_allclose(mixed, 10 * share + 30 * (1 - share), rtol=1e-6)
    draws = [float(mixing.mixup(first, second, (s, 0))[1]) for s in range(200)]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.06)
