"""Views by Pillow."""

import numpy as np
import peer_views
import pil_views
import pytest
from PIL import Image


def test_the_peer_of_pillow_turns_red_to_green():
    red = Image.fromarray(np.full((4, 4, 3), (200, 0, 0), np.uint8))
    green = np.asarray(pil_views._turn_hue(red, "hue", 1 / 3))
    np.testing.assert_allclose(green[0, 0], (0, 200, 0), atol=3)


@pytest.mark.parametrize("kind", ["weak", "strong"])
def test_the_peer_of_pillow_makes_planes_on_0_1(kind):
    np.random.seed(0)
    images = peer_views.make_images(2, 32)
    made = pil_views.view(kind, 24)(pil_views.load(images[0]))
    assert made.shape == (3, 24, 24)
    assert made.dtype == np.float32
    assert 0 <= made.min() < made.max() <= 1
