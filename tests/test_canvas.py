"""Crops on canvases against the layers, with the same boxes."""

import numpy as np
import numpy_views as reference
import pytest
import tensorflow as tf

from ressl_tf.data import augment, canvas, one_by_one
from ressl_tf.data.views import Views, weak_view

SIZE = 12


def boxes(top, left, height, width):
    return tf.constant([[top, left, height, width]], tf.float32)


@pytest.mark.slow
@pytest.mark.parametrize("antialias", [True, False])
def test_a_box_of_any_size_is_cropped_as_the_definition_says(antialias):
    """Smaller than the crop, on the edge of a canvas, in the corner, and beyond all."""
    image = reference.photo(3, 130, 110)
    run = tf.function(canvas.crop)
    cases = (3, 5, 7, 9), (10, 20, 12, 12), (105, 80, 25, 30), (0, 0, 130, 109)
    for box, mirrored in zip(cases, (True, False, True, False), strict=True):
        arguments = boxes(*box), tf.constant([mirrored]), SIZE, antialias
        truth = reference.crop_and_resize(image, box, SIZE, antialias)
        truth = truth[:, ::-1] if mirrored else truth
        own = run(tf.constant(image[None]), *arguments)[0]
        np.testing.assert_allclose(own, truth, atol=2e-3, err_msg=str(box))


def test_the_smallest_canvas_that_holds_the_box_is_used(monkeypatch):
    used = []

    def crop(images, *arguments):
        used.append(images.shape[1])
        return one_by_one.crop(images, *arguments)

    monkeypatch.setattr(canvas, "one_by_one", type("stub", (), {"crop": crop}))
    image = tf.zeros([1, 200, 200, 3], tf.uint8)
    for side in (1, 12, 13, 18, 19, 72, 73, 97):
        canvas.crop(image, boxes(0, 0, side, 2), tf.constant([False]), SIZE)
    assert used == [12, 12, 15, 18, 24, 72, 96]  # and none: the layers


@pytest.mark.slow
def test_views_crop_photos_of_different_sizes_as_the_layers_do():
    layered, compiled = (Views({"weak": weak_view(SIZE)}, flag) for flag in (0, 1))
    anything = [
        tf.TensorSpec([1, None, None, 3], tf.uint8),
        tf.TensorSpec([2], tf.int32),
    ]
    run = tf.function(compiled.geometric, input_signature=anything)
    for number, size in enumerate([(40, 60), (90, 30), (25, 25), (8, 9)]):
        image = tf.constant(reference.photo(number, *size)[None])
        seed = tf.constant([1, number])
        expected = layered.geometric(image, seed)["weak"]
        np.testing.assert_allclose(run(image, seed)["weak"], expected, atol=5e-3)


def test_it_is_for_one_photo_and_one_crop():
    one, crop = tf.zeros([1, 9, 9, 3]), augment.RandomResizedCrop(8)
    assert canvas.covers(one, [crop], [])
    assert not canvas.covers(tf.zeros([2, 9, 9, 3]), [crop], [])
    assert not canvas.covers(one, [crop, augment.RandomHorizontalFlip()], [])
    assert not canvas.covers(one, [crop], [augment.RandomGrayscale()])
    assert not canvas.covers(one, [], [])
