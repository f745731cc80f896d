"""Tasks of evaluations: encoder, data and labels."""

import dataclasses

import keras
import numpy as np
import pytest
from helpers.evaluating import shown, source
from helpers.models import tiny_backbone

from ressl_tf.evaluate.task import hold_out, labelled_only, random_weights
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError


def test_an_untrained_encoder_has_other_weights_of_its_seed():
    keras.utils.set_random_seed(5)
    trained = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    first, again, other = (random_weights(trained, seed) for seed in (1, 1, 2))
    kernels = [e.variables[0].numpy() for e in (trained, first, again, other)]
    np.testing.assert_array_equal(kernels[1], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[3])
    assert first.mean == trained.mean


def test_every_tenth_image_is_held_out():
    rest, held = hold_out(source([0, 1] * 12))
    assert shown(held) == [0, 10, 20]
    assert sorted(shown(rest) + shown(held)) == list(range(24))


def test_images_without_a_label_are_not_judged():
    some = labelled_only(source([1, -1, 0, -1, 1]), "train")
    assert (shown(some), some.labels.tolist()) == ([0, 2, 4], [1, 0, 1])
    whole = source([1, 0])
    assert labelled_only(whole, "train") is whole
    with pytest.raises(UsageError, match="numbers has no labels in its split 'train'"):
        labelled_only(dataclasses.replace(whole, label_names=None), "train")
