"""Gaussian blur against NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference
from helpers.augmenting import pixels, planes

from ressl_tf.data.augment import blur


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize(("height", "width"), [(48, 40), (21, 96)])
def test_blur_is_gaussian_with_reflected_borders(sigma, height, width):
    image = reference.photo(height=height, width=width)
    ours = pixels(blur.blur(planes(image), tf.constant([sigma])))
    error = np.abs(ours - reference.gaussian_blur(image, sigma))
    assert error.mean() < 0.1  # levels: the tail beyond the kernel, at sigma 2
    assert error.max() < 1


@pytest.mark.parametrize("side", [7, 11])
def test_blur_of_an_image_hardly_larger_than_its_kernel(side):
    image = reference.photo(height=side, width=side)
    ours = pixels(blur.blur(planes(image), tf.constant([1.0])))
    truth = reference.gaussian_blur(image, 1.0, radius=6)
    np.testing.assert_allclose(ours, truth, atol=1e-3)
