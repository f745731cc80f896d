"""The distribution of every draw of the layers."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers.augmenting import assert_uniform, draws
from scipy import stats

from ressl_tf.data.augment import color, layers


def test_jitter_factors_are_uniform_and_independent():
    layer = layers.ColorJitter(0.4, 0.3, 1.5, 0.1, p=1.0)
    drawn = draws(layer, 4000)
    kinds, factors = drawn["kinds"].numpy(), drawn["factors"].numpy()
    factors = np.take_along_axis(factors, np.argsort(kinds), axis=1)
    for values, low, high in zip(
        factors.T, (0.6, 0.7, 0.0), (1.4, 1.3, 2.5), strict=True
    ):
        assert_uniform(values, low, high)
    shift = drawn["shift"].numpy()
    assert_uniform(shift, -0.1, 0.1)
    correlation = np.corrcoef([*factors.T, shift])
    assert np.abs(correlation - np.eye(4)).max() < 0.06


def test_jitter_order_does_not_depend_on_the_factors():
    drawn = draws(layers.ColorJitter(p=1.0), 4000)
    first = drawn["kinds"].numpy()[:, 0]
    brightness = drawn["factors"].numpy()[drawn["kinds"].numpy() == color.BRIGHTNESS]
    for kind in range(3):
        assert_uniform(brightness[first == kind], 0.6, 1.4)


def test_jitter_is_drawn_with_probability_p():
    drawn = draws(layers.ColorJitter(p=0.8), 4000)
    changed = (drawn["factors"].numpy() != 1).all(axis=1)
    assert stats.binomtest(int(changed.sum()), 4000, 0.8).pvalue > 0.01
    np.testing.assert_array_equal(changed, drawn["shift"].numpy() != 0)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3, 4, 10])
def test_every_image_has_each_of_the_24_orders_equally_often(batch):
    layer = layers.ColorJitter()
    hand = (batch + 3) // 4
    calls = 1500

    @tf.function
    def order(seed):
        drawn = draws(layer, batch, seed)
        return drawn["kinds"], tf.argsort(drawn["order"])[:batch] // hand

    kinds, hue = zip(*(order(tf.constant([7, i])) for i in range(calls)), strict=True)
    names = {kinds: i for i, kinds in enumerate(itertools.permutations(range(3)))}
    for image in {0, batch - 1}:  # the first and the last of the batch
        codes = [
            names[tuple(kind[image].numpy())] * 4 + int(position[image])
            for kind, position in zip(kinds, hue, strict=True)
        ]
        counts = np.bincount(codes, minlength=24)
        assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_crops_are_mirrored_with_probability_flip_p(p):
    drawn = draws(layers.RandomResizedCrop(8, flip_p=p), 4000)
    hits = int(drawn["mirrored"].numpy().sum())
    assert stats.binomtest(hits, 4000, p).pvalue > 0.01


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_coins_fall_with_probability_p(p):
    for layer in (
        layers.RandomHorizontalFlip(p),
        layers.RandomGrayscale(p),
        layers.RandomSolarize(p),
    ):
        hits = int(draws(layer, 4000).numpy().sum())
        assert stats.binomtest(hits, 4000, p).pvalue > 0.01


def test_blur_draws_a_uniform_sigma_for_a_share_p():
    drawn = draws(layers.GaussianBlur(0.5, sigma=(0.1, 2.0)), 4000)
    hits = drawn["drawn"].numpy()
    assert stats.binomtest(int(hits.sum()), 4000, 0.5).pvalue > 0.01
    assert_uniform(drawn["sigma"].numpy()[hits], 0.1, 2.0)


def test_layers_with_one_seed_draw_independently():
    flip, grey = layers.RandomHorizontalFlip(0.5), layers.RandomGrayscale(0.5)
    together = np.mean(draws(flip, 4000).numpy() & draws(grey, 4000).numpy())
    assert together == pytest.approx(0.25, abs=0.03)
