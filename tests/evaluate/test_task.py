"""Tasks of evaluations: encoder, data and labels."""

import dataclasses

import keras
import numpy as np
import pytest
from helpers.evaluating import shown, source
from helpers.models import tiny_backbone

from ressl_tf.config.evaluate_config import KNNConfig
from ressl_tf.evaluate import task
from ressl_tf.evaluate.task import (
    hold_out,
    labelled_only,
    open_splits,
    random_weights,
)
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


def test_every_tenth_image_of_each_class_is_held_out():
    rest, held = hold_out(source([0, 1] * 12))
    assert shown(held) == [0, 1, 20, 21]
    assert sorted(shown(rest) + shown(held)) == list(range(24))


def opened(monkeypatch, train, test):
    sources = {"train": source(train), "test": source(test)}
    names = tuple("abc")
    sources = {k: dataclasses.replace(s, label_names=names) for k, s in sources.items()}
    monkeypatch.setattr(task, "open_source", lambda _, split, channels: sources[split])
    monkeypatch.setattr(task, "open_beside", lambda _, split, _c: sources[split])
    return open_splits(KNNConfig(workdir="x"))


def test_images_of_classes_that_were_not_learned_are_left_out(monkeypatch, caplog):
    train, test = opened(monkeypatch, [0, 0, 1, 1], [2, 0, 2, 0])
    assert (train.size, shown(test), test.labels.tolist()) == (4, [1, 3], [0, 0])
    assert "2 of 4 test images are left out" in caplog.text
    assert "no training image: c" in caplog.text
    assert "classes without a test image: b" in caplog.text


def test_classes_without_overlap_give_no_figure(monkeypatch):
    with pytest.raises(UsageError, match="Received: a, b to learn from and c to"):
        opened(monkeypatch, [0, 0, 1, 1], [2, 2])


def test_images_without_a_label_are_not_judged():
    some = labelled_only(source([1, -1, 0, -1, 1]), "train")
    assert (shown(some), some.labels.tolist()) == ([0, 2, 4], [1, 0, 1])
    whole = source([1, 0])
    assert labelled_only(whole, "train") is whole
    with pytest.raises(UsageError, match="numbers has no labels in its split 'train'"):
        labelled_only(dataclasses.replace(whole, label_names=None), "train")
