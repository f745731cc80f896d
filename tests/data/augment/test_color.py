"""Colour operations against NumPy."""

import numpy as np
import pytest
from helpers import numpy_views as reference
from helpers.augmenting import column, pixels, planes

from ressl_tf.data.augment import color


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.0, 1.4])
@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (color.BRIGHTNESS, reference.brightness),
        (color.CONTRAST, reference.contrast),
        (color.SATURATION, reference.saturation),
    ],
)
def test_blend_is_torchvisions(kind, definition, factor):
    image = reference.photo()
    ours = pixels(color.blend(planes(image), column(kind), column(factor)))
    np.testing.assert_allclose(ours, definition(image, factor), atol=2e-3)


@pytest.mark.parametrize("shift", [-0.5, -0.1, 0.0, 0.03, 0.1, 0.5])
def test_hue_turns_the_circle(shift):
    image = reference.photo()
    image[0, :6] = [[9, 9, 9], [0, 0, 0], [255] * 3, [8, 8, 1], [1, 8, 8], [8, 1, 8]]
    ours = pixels(color.shift_hue(planes(image), column(shift)))
    np.testing.assert_allclose(ours, reference.hue(image, shift), atol=2e-3)
