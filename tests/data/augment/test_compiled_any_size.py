"""Crops on canvases against the layers, with the same boxes."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference

from ressl_tf.data.augment import compiled_any_size, compiled_loop

SIZE = 12


def boxes(top, left, height, width):
    return tf.constant([[top, left, height, width]], tf.float32)


@pytest.mark.slow
@pytest.mark.parametrize("antialias", [True, False])
def test_a_box_of_any_size_is_cropped_as_the_definition_says(antialias):
    """Smaller than the crop, on the edge of a canvas, in the corner, and beyond all."""
    image = reference.photo(3, 130, 110)
    run = tf.function(compiled_any_size.crop)
    cases = (3, 5, 7, 9), (10, 20, 12, 12), (105, 80, 25, 30), (0, 0, 130, 109)
    for box, mirrored in zip(cases, (True, False, True, False), strict=True):
        arguments = boxes(*box), tf.constant([mirrored]), SIZE, antialias
        truth = reference.crop_and_resize(image, box, SIZE, antialias)
        truth = truth[:, ::-1] if mirrored else truth
        own = run(tf.constant(image[None]), *arguments)[0]
        np.testing.assert_allclose(own, truth, atol=2e-3, err_msg=str(box))


@pytest.mark.slow
def test_the_smallest_canvas_that_holds_the_box_is_used(monkeypatch):
    used = []

    def crop(images, *arguments, **options):
        used.append(images.shape[1])
        return compiled_loop.crop(images, *arguments, **options)

    monkeypatch.setattr(
        compiled_any_size, "compiled_loop", type("stub", (), {"crop": crop})
    )
    image = tf.zeros([1, 200, 200, 3], tf.uint8)
    for side in (1, 12, 13, 18, 19, 72, 73, 97):
        compiled_any_size.crop(image, boxes(0, 0, side, 2), tf.constant([False]), SIZE)
    assert used == [12, 12, 14, 18, 24, 72, 96]  # and none: the layers
