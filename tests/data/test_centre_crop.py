"""The evaluation's view against its definition."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.centre_crop import centre_crop


def triangle(size_in, size_out):
    """Return antialiased bilinear resampling as a matrix, [size_out, size_in]."""
    scale = size_in / size_out
    reach = max(scale, 1.0)
    centres = (np.arange(size_out) + 0.5) * scale - 0.5
    distance = abs(np.arange(size_in)[None, :] - centres[:, None]) / reach
    weights = np.maximum(0, 1 - distance)
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("shape", [(60, 40), (33, 90), (10, 12), (28, 30)])
def test_centre_crop_equals_its_definition(shape):
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    size, shorter = 28, 32  # 28 * 256 / 224
    height = shorter if shape[0] <= shape[1] else int(shorter * shape[0] / shape[1])
    width = shorter if shape[1] <= shape[0] else int(shorter * shape[1] / shape[0])
    rows, columns = triangle(shape[0], height), triangle(shape[1], width)
    resized = np.einsum("ij,jkc,lk->ilc", rows, image.astype(float), columns)
    top, left = round((height - size) / 2), round((width - size) / 2)
    expected = resized[top : top + size, left : left + size]
    got = centre_crop(tf.constant(image[None]), size)[0].numpy()
    assert abs(got - expected).max() < 0.51
