"""RSA against plain NumPy, and its schedule and views."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.method_steps import (
    after_a_step,
    assert_same_step,
    assert_step_equals_numpy,
    random_views,
    tiny,
)

import ressl_tf


def test_a_whole_step_equals_numpy():
    assert_step_equals_numpy(ressl_tf.RSA, {"beta0": 0.9}, {"beta0": 0.9})


@pytest.mark.parametrize("options", [{"beta0": 0.0}, {"beta_schedule": "off"}])
def test_rsa_without_beta_on_weak_views_is_byol(options):
    views = random_views(tiny(ressl_tf.BYOL))
    first, second = views["strong1"], views["strong2"]
    same = {"weak1": first, "weak2": second, "strong1": first, "strong2": second}
    rsa = after_a_step(tiny(ressl_tf.RSA, **options), same)
    assert_same_step(rsa, after_a_step(tiny(ressl_tf.BYOL), views))


def test_a_constant_beta_stays():
    half = tiny(ressl_tf.RSA, beta0=0.5, beta_schedule="constant")
    logs = half.train_on_batch(random_views(half), return_dict=True)
    assert logs["beta"] == pytest.approx(0.5)


def test_rsa_strong_views_are_the_weak_ones_in_other_colours():
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype="uint8")
    plain = ressl_tf.RSA.make_views(
        8, color_jitter_prob=0.0, grayscale_prob=0.0, blur_prob=0.0
    )
    views = {
        name: view.numpy() for name, view in plain(images, tf.constant([0, 1])).items()
    }
    np.testing.assert_allclose(views["strong1"], views["weak1"], atol=1e-3)
    np.testing.assert_allclose(views["strong2"], views["weak2"], atol=1e-3)
    assert np.abs(views["weak1"] - views["weak2"]).max() > 1
    grey = ressl_tf.RSA.make_views(
        8, color_jitter_prob=0.0, grayscale_prob=1.0, blur_prob=0.0
    )
    views = {
        name: view.numpy() for name, view in grey(images, tf.constant([0, 1])).items()
    }
    luma = views["weak2"] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(views["strong2"], luma[..., None].repeat(3, -1), atol=1)
