"""The function that converters read."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.converting import function_of, gelu_encoder
from helpers.exports import tiny_classifier

from ressl_tf.engine.precision import policy


@pytest.mark.parametrize("input_type", ["uint8", "float32"])
def test_it_gives_the_models_features_of_raw_images(images, input_type):
    encoder = gelu_encoder()
    source = function_of(encoder, input_type=input_type)
    assert source.spec == tf.TensorSpec((None, 16, 16, 3), input_type, "images")
    made = source.function(images.astype(input_type))
    assert set(made) == {"features"}
    np.testing.assert_allclose(made["features"], encoder.features(images), atol=1e-5)


def test_outputs_of_a_classifier_have_their_names(images):
    classifier = tiny_classifier()
    made = function_of(classifier, outputs=("features", "logits")).function(images)
    assert set(made) == {"features", "logits"}
    np.testing.assert_allclose(made["logits"], classifier(images), atol=1e-5)


def test_mixed_precision_is_left_behind(images):
    with policy("bfloat16"):
        mixed = gelu_encoder()
    plain = gelu_encoder()
    plain.backbone.set_weights(mixed.backbone.get_weights())
    made = function_of(mixed).function(images)["features"]
    np.testing.assert_allclose(made, plain.features(images), atol=1e-5)
    assert np.abs(mixed.features(images) - plain.features(images)).max() > 1e-4
