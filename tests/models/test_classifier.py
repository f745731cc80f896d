"""An encoder with a head: its step by hand, what it moves, what it keeps."""

import keras
import numpy as np
import pytest
from helpers.models import tiny_backbone

from ressl_tf.engine.optimizers import SGD
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder

LABELS = np.arange(12) % 3


def tiny_classifier(frozen, multipliers=None, rate=0.5):
    keras.utils.set_random_seed(1)
    encoder = Encoder(tiny_backbone(), None, (0.5,) * 3, (0.25,) * 3)
    model = Classifier(encoder, 3, frozen=frozen, image_size=16, head_std=0.5)
    model.compile(SGD(rate, 0.0, 0.0, multipliers=multipliers))
    return model


def values(layer):
    return [variable.numpy().copy() for variable in layer.variables]


def test_a_frozen_step_is_softmax_regression_on_inference_features(images):
    model = tiny_classifier(frozen=True)
    features = model.encoder.features(images).numpy()
    kernel, bias = values(model.head)
    logits = features @ kernel + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    logs = model.train_on_batch(images, LABELS, return_dict=True)
    assert logs["loss"] == pytest.approx(
        -np.log(shares[np.arange(12), LABELS]).mean(), rel=1e-5
    )
    assert logs["top1"] == pytest.approx(np.mean(logits.argmax(axis=1) == LABELS))
    error = (shares - np.eye(3)[LABELS]) / 12
    new_kernel, new_bias = values(model.head)
    np.testing.assert_allclose(new_kernel, kernel - 0.5 * features.T @ error, atol=1e-6)
    np.testing.assert_allclose(new_bias, bias - 0.5 * error.sum(axis=0), atol=1e-6)


def test_a_frozen_encoder_keeps_every_variable(images):
    model = tiny_classifier(frozen=True)
    before = values(model.encoder)
    model.fit(images, LABELS, epochs=3, verbose=0)
    for old, new in zip(before, values(model.encoder), strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(model.trainable_variables) == 2
    assert int(model.step.numpy()) == 3


@pytest.mark.slow
def test_a_whole_network_learns_and_its_statistics_move(images):
    model = tiny_classifier(frozen=False, rate=0.1)
    before = values(model.encoder)
    losses = model.fit(images, LABELS, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    moved = [
        not np.array_equal(old, new)
        for old, new in zip(before, values(model.encoder), strict=True)
    ]
    assert all(moved)


def test_saved_and_loaded_it_answers_and_learns_alike(images, tmp_path):
    model = tiny_classifier(frozen=False)
    model.train_on_batch(images, LABELS)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(images), loaded(images))
    assert loaded.label_names == ("0", "1", "2")
    assert loaded.image_size == 16
    model.train_on_batch(images, LABELS)
    loaded.train_on_batch(images, LABELS)
    np.testing.assert_allclose(model(images), loaded(images), atol=1e-6)


@pytest.mark.slow
def test_two_replicas_equal_one(images, mirrored):
    frozen = tiny_classifier(frozen=True)
    with mirrored.scope():
        both = tiny_classifier(frozen=True)
    for model in (frozen, both):
        model.fit(images, LABELS, batch_size=12, epochs=3, shuffle=False, verbose=0)
    for one, two in zip(values(frozen.head), values(both.head), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
