"""Features over a data set."""

import numpy as np
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.evaluate import features


def test_extract_is_predict_in_order(images):
    model = tiny_model()
    batches = tf.data.Dataset.from_tensor_slices((images, np.arange(12))).batch(5)
    vectors, labels = features.extract(model, batches)
    np.testing.assert_allclose(vectors, model.predict(images, verbose=0), atol=1e-5)
    assert labels.tolist() == list(range(12))


def test_pixels_are_flat_and_centred_when_asked(images):
    batches = tf.data.Dataset.from_tensor_slices((images, np.arange(12))).batch(5)
    plain, labels = features.pixels(batches)
    np.testing.assert_array_equal(plain, images.reshape(12, -1))
    assert labels.tolist() == list(range(12))
    centred, _ = features.pixels(batches, centre=True)
    np.testing.assert_allclose(centred.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(np.diff(centred), np.diff(plain), atol=1e-4)
