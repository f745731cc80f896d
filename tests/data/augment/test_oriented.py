"""Crops of photos as they are stored are those of the photos as they are seen."""

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tensorflow as tf

from ressl_tf.data.augment import oriented
from ressl_tf.data.augment.resample import crop_and_resize
from ressl_tf.data.augment.views import Views, strong_view, weak_view
from ressl_tf.data.centre_crop import centre_crop

STORED = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
ORIENTATIONS = range(1, 9)


def seen_by_pillow(orientation):
    image = PIL.Image.fromarray(STORED)
    image.getexif()[0x0112] = orientation
    return np.asarray(PIL.ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", range(-1, 10))
def test_upright_is_pillow_s(orientation):
    expected = seen_by_pillow(orientation) if orientation in ORIENTATIONS else STORED
    found = oriented.upright(tf.constant(STORED), tf.constant(orientation))
    np.testing.assert_array_equal(found, expected)
    sides = oriented.upright_sides(tf.constant([30, 44]), tf.constant(orientation))
    assert tuple(sides.numpy()) == expected.shape[:2]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_any_box_is_found_where_it_is_stored(orientation):
    seen = seen_by_pillow(orientation).astype("float32")
    sides = tf.constant(seen.shape[:2])
    boxes = tf.constant([[3, 5, 20, 17], [23, 5, -20, 17.0]])
    mirrored = tf.constant([False, True])
    expected = crop_and_resize(tf.stack([seen, seen]), boxes, mirrored, 8)
    where = oriented.on_stored(boxes, mirrored, sides, tf.constant(orientation))
    stored = tf.constant(STORED, tf.float32)
    crops = crop_and_resize(tf.stack([stored, stored]), *where, 8)
    transposed = oriented.is_transposed(tf.constant(orientation))
    found = oriented.turned_crops(crops, transposed, (0, 2, 1, 3))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(expected[0] - expected[1][::-1, ::-1]).max() < 1e-3  # it is turned


VIEWS = {
    "compiled": Views({"s": strong_view(8)}, compiled=True),
    "crops alone": Views({"w": weak_view(8)}, compiled=True),
    "turned views": Views(
        {"s": strong_view(8, vertical_flip_prob=0.5, quarter_turns=True)}, compiled=True
    ),
    "in turns": Views({"w": weak_view(8), "s": strong_view(8)}, compiled=False),
}


@pytest.mark.slow
@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
def test_views_of_a_photo_as_it_is_stored_are_those_of_it_upright(views):
    any_size = tf.TensorSpec([None, None, 3], tf.uint8)

    @tf.function(input_signature=[any_size, tf.TensorSpec([], tf.int32)])
    def of_stored(photo, orientation):
        sample = tf.nest.map_structure(lambda x: x[0], views.sample(1, (3, 4)))
        return views.apply_to_photo(photo, sample, orientation)

    @tf.function(input_signature=[any_size])
    def of_upright(photo):
        sample = tf.nest.map_structure(lambda x: x[0], views.sample(1, (3, 4)))
        return views.apply_to_photo(photo, sample)

    for orientation in ORIENTATIONS:
        found = of_stored(STORED, orientation)
        expected = of_upright(seen_by_pillow(orientation))
        for name in views.names:
            np.testing.assert_allclose(found[name], expected[name], atol=0.01)
            assert np.std(expected[name]) > 5
    straight = of_stored(STORED, 1), of_upright(STORED)
    for name in views.names:
        np.testing.assert_array_equal(straight[0][name], straight[1][name])


@pytest.mark.parametrize("size", [10, 21, 30])
def test_the_evaluation_s_crop_is_that_of_the_photo_as_it_is_seen(size):
    for orientation in ORIENTATIONS:
        expected = centre_crop(tf.constant(seen_by_pillow(orientation))[None], size)
        stored = tf.constant(STORED)[None]
        found = centre_crop(stored, size, tf.constant(orientation))
        unlike = np.abs(found.numpy().astype(int) - expected.numpy())
        assert unlike.max() <= 1  # where a half is rounded
        assert unlike.mean() < 0.01
