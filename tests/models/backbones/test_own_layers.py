"""What becomes of a user's layers: batch normalisation, dropout, weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.backbones.own_layers import (
    prepare,
    refuse_hidden_draws,
    report,
)
from ressl_tf.models.step_draws import StepDropout
from ressl_tf.runtime.errors import UsageError

L = keras.layers
IMAGES = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")


@keras.saving.register_keras_serializable(package="test_own_layers")
class Closed(L.Layer):
    """A layer with batch normalisation, and maybe dropout, of its own."""

    def __init__(self, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.rate_inside = rate
        self.norm, self.drop = L.BatchNormalization(name="inner"), L.Dropout(rate)

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=False):
        return self.drop(self.norm(x, training=training), training=training)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate_inside}


@keras.saving.register_keras_serializable(package="test_own_layers")
class Holds(L.Layer):
    """A layer with statistics of the data."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = L.Normalization(name="adapted")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return self.inner(x)


def copying_of(model):
    return type(model).from_config(model.get_config())


class Noisy(L.Layer):
    """A layer that draws where nobody sees it."""

    def call(self, x, training=False):
        return x + tf.random.normal(tf.shape(x)) if training else x


def network(*layers):
    keras.utils.set_random_seed(4)
    stack = [keras.Input((8, 8, 3)), L.Conv2D(6, 3, name="conv"), *layers]
    made = keras.Sequential([*stack, L.GlobalAveragePooling2D()], name="mine")
    generator = np.random.default_rng(1)
    for variable in made.weights:
        variable.assign(generator.uniform(0.2, 1, variable.shape))
    return made


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_batch_normalisation_gets_the_scope_and_computes_the_same(options):
    mine = network(
        L.BatchNormalization(momentum=0.7, epsilon=0.02, name="bn", **options),
        keras.Sequential([L.BatchNormalization(name="nested")]),
    )
    prepared = prepare(mine, "local", True, 0)
    assert prepared.scoped == ("bn", "nested")
    assert prepared.left == ()
    for training in (False, True, False):  # which moves the running statistics
        made, expected = (
            n(IMAGES, training=training) for n in (prepared.network, mine)
        )
        # ours is n / (n - 1) of the running variance, of 16 * 36 places
        np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-3)
    layer = prepared.network.get_layer("bn")
    assert (layer.scope, layer.momentum, layer.epsilon) == ("local", 0.7, 0.02)


def test_split_normalises_every_eighth_image_by_itself():
    mine = network(L.BatchNormalization(name="bn"))
    made = prepare(mine, "split", True, 0).network(IMAGES, training=True).numpy()
    for group in range(8):
        expected = mine(IMAGES[group::8], training=True)
        np.testing.assert_allclose(made[group::8], expected, rtol=1e-4, atol=1e-5)


def test_what_lies_in_a_class_of_its_own_stays_and_is_said():
    prepared = prepare(network(Closed(), L.BatchNormalization(axis=1)), "sync", True, 0)
    assert prepared.left[0] == "inner"
    assert len(prepared.left) == 2
    (line,) = report(prepared, "sync")
    assert "stay as they are" in line
    assert line.endswith("2 (inner)")


def test_weights_are_drawn_by_the_seed_or_kept():
    mine = network(L.Normalization(mean=0.0, variance=1.0), L.Conv2D(2, 3))
    kept, first, again, other = (
        prepare(mine, "local", keep, seed).network.get_weights()
        for keep, seed in ((True, 0), (False, 0), (False, 0), (False, 1))
    )
    for a, b in zip(kept, mine.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(first[0] - other[0]).max() > 0.01
    assert np.abs(first[0] - kept[0]).max() > 0.01


def test_statistics_of_the_data_are_no_weights_to_draw():
    adapted = L.Normalization(name="adapted")
    keras.utils.set_random_seed(0)
    mine = keras.Sequential([keras.Input((8, 8, 3)), adapted, L.Flatten()])
    adapted.adapt(5 + 2 * IMAGES)
    copy = prepare(mine, "local", False, 0).network
    expected = mine(IMAGES).numpy()
    assert abs(expected.mean() + 2.5) < 0.1  # (0 - 5) / 2
    again = copying_of(copy)  # as the target and exports are made
    for made in (copy, again):
        np.testing.assert_allclose(made(IMAGES), expected, rtol=1e-4, atol=1e-5)


def test_statistics_that_a_copy_would_lack_are_refused():
    with pytest.raises(UsageError, match=r"adapt\(\) inside a class.*: adapted"):
        prepare(network(Holds()), "local", True, 0)


def test_stock_dropout_drops_by_the_step():
    layers = (L.Dropout(0.5, noise_shape=(None, 1, 1, 1)), L.SpatialDropout2D(0.25))
    prepared = prepare(network(*layers), "local", True, 0)
    made = [n for n in prepared.network.layers if isinstance(n, StepDropout)]
    assert [(layer.rate, layer.noise_shape) for layer in made] == [
        (0.5, (None, 1, 1, 1)),
        (0.25, (None, 1, 1, None)),
    ]
    assert len(prepared.dropping) == 2
    refuse_hidden_draws(prepared.network)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda: L.GaussianNoise(0.1, name="noise"),
            r"noise \(GaussianNoise",
        ),
        (lambda: Closed(0.5), r"from a state of its own.*\(Dropout\)"),
    ],
)
def test_other_layers_that_draw_are_refused_by_name(layer, message):
    with pytest.raises(UsageError, match=message) as error:
        prepare(network(layer()), "local", True, 0)
    assert "\n" not in str(error.value)


def test_rate_0_draws_nothing():
    prepare(network(Closed(0.0), L.Dropout(0.0)), "local", True, 0)


def test_hidden_draws_are_found_and_nothing_is_moved():
    prepared = prepare(network(Noisy()), "local", True, 0)
    with pytest.raises(UsageError, match="gives other features in training"):
        refuse_hidden_draws(prepared.network)
    still = prepare(network(L.BatchNormalization()), "local", True, 0).network
    before = still.get_weights()
    refuse_hidden_draws(still)
    for a, b in zip(before, still.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_our_own_layers_get_the_scope_too():
    copy = prepare(network(BatchNormalization("local", name="ours")), "sync", True, 0)
    assert copy.network.get_layer("ours").scope == "sync"
    assert copy.scoped == ()
