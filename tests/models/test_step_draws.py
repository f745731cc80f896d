"""Dropout by the step: what it drops, how often, and that it repeats."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models.step_draws import StepDropout, seeded

SEED = tf.constant([3, 5])
ONES = tf.ones((64, 10, 6))


def drop(layer, *numbers, seed=SEED):
    with seeded(seed, *numbers):
        return layer(ONES, training=True).numpy()


def test_kept_values_are_scaled_so_that_the_mean_stays():
    made = drop(StepDropout(0.25, name="drop"))
    assert set(np.unique(made)) == {0.0, np.float32(1 / 0.75)}
    assert abs(made.mean() - 1) < 0.04  # 3,840 values: a std of 0.0093


def test_stochastic_depth_drops_whole_samples():
    made = drop(StepDropout(0.5, (None, 1, 1), name="path"))
    assert {len(np.unique(sample)) for sample in made} == {1}
    assert 16 < np.count_nonzero(made[:, 0, 0]) < 48


def test_the_same_step_drops_the_same_and_another_one_or_layer_differs():
    layer = StepDropout(0.5, name="one")
    first = drop(layer, 1)
    np.testing.assert_array_equal(first, drop(layer, 1))
    np.testing.assert_array_equal(first, drop(StepDropout(0.5, name="one"), 1))
    others = [
        drop(layer, 2),
        drop(layer, 1, 0),
        drop(layer, 1, seed=SEED + 1),
        drop(StepDropout(0.5, name="two"), 1),
    ]
    for other in others:
        assert 0.4 < (first == other).mean() < 0.6


def test_a_step_inside_another_ends_where_it_ends():
    layer = StepDropout(0.5, name="one")
    outer = drop(layer, 1)
    with seeded(SEED, 1):
        drop(layer, 2)
        np.testing.assert_array_equal(layer(ONES, training=True), outer)


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_dropped_in_inference_or_without_a_step(training):
    layer = StepDropout(0.5)
    np.testing.assert_array_equal(layer(ONES, training=training), ONES)
    with seeded(SEED):
        np.testing.assert_array_equal(layer(ONES, training=False), ONES)


def test_it_is_opened_as_it_was_saved(tmp_path):
    x = keras.Input((10, 6))
    model = keras.Model(x, StepDropout(0.5, (None, 1, 1), name="path")(x))
    model.save(tmp_path / "a.keras")
    layer = keras.saving.load_model(tmp_path / "a.keras").layers[-1]
    np.testing.assert_array_equal(drop(layer), drop(model.layers[-1]))
    assert not layer.variables  # no state that a checkpoint would have to hold
