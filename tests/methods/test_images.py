"""Properties of several methods of images."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.method_steps import after_a_step, assert_same_step, random_views, tiny

import ressl_tf


@pytest.mark.parametrize("cls", [ressl_tf.BYOL, ressl_tf.RSA])
def test_swapping_the_two_views_changes_nothing(cls):
    views = random_views(tiny(cls))
    swapped = {name: views[name[:-1] + "21"[int(name[-1]) - 1]] for name in views}
    assert_same_step(after_a_step(tiny(cls), views), after_a_step(tiny(cls), swapped))


@pytest.mark.parametrize("cls", [ressl_tf.MoCoV2, ressl_tf.ReCo, ressl_tf.BYOL])
def test_two_strong_views_are_independent(cls):
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype="uint8")
    views = list(cls.make_views(8)(images, tf.constant([0, 1])).values())
    assert np.abs(views[0].numpy() - views[1].numpy()).max() > 1
