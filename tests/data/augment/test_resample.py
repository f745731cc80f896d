"""Crops are cut and resampled as the definition says."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference

from ressl_tf.data.augment import resample


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [8, 24, 35, 64])
@pytest.mark.parametrize(
    "box", [(0, 0, 48, 40), (5, 7, 31, 22), (47, 39, 1, 1), (30, 0, 18, 40)]
)
def test_crop_is_cut_and_resampled(box, size, antialias):
    image = reference.photo()
    boxes = tf.constant([box], tf.float32)
    images = tf.constant(image[None], tf.float32)
    truth = reference.crop_and_resize(image, box, size, antialias)
    for mirrored, expected in ((False, truth), (True, truth[:, ::-1])):
        ours = resample.crop_and_resize(images, boxes, [mirrored], size, antialias)[0]
        np.testing.assert_allclose(ours, expected, atol=2e-3)
