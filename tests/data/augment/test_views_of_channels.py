"""Views of images with another number of channels than three."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views
from helpers.augmenting import apply

from ressl_tf.data.augment.layers import ColorJitter, RandomGrayscale
from ressl_tf.data.augment.view import View
from ressl_tf.data.augment.views import Views, strong_view, weak_view

PHOTOS = numpy_views.photos(6, height=24, width=20)
SEED = tf.constant([3, 4])
TURNS = {"vertical_flip_prob": 0.5, "quarter_turns": True, "rotation": 20.0}


def with_channels(count):
    """Return the photos' channels, over and over: R, G, B, R, ..."""
    return PHOTOS[..., np.arange(count) % 3]


def drawn(view, images, compiled=False):
    views = Views({"view": view}, compiled=compiled)
    return tf.function(lambda x: views(x, SEED)["view"])(images).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("compiled", [False, True])
def test_crops_turns_and_blur_treat_each_channel_as_one_of_three(count, compiled):
    weak = weak_view(16, **TURNS)
    blurred = strong_view(
        16, blur_prob=1.0, color_jitter_prob=0, grayscale_prob=0, solarize_prob=0.5
    )
    for view in (weak, blurred):
        of_rgb = drawn(view, PHOTOS, compiled)
        made = drawn(view, with_channels(count), compiled)
        assert made.shape == (6, 16, 16, count)
        np.testing.assert_allclose(
            made, of_rgb[..., np.arange(count) % 3], rtol=0, atol=1e-3
        )


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("kind", ["brightness", "contrast"])
def test_brightness_and_contrast_equal_numpy(count, kind):
    strengths = dict.fromkeys(("brightness", "contrast"), 0.0) | {kind: 0.7}
    layer = ColorJitter(**strengths, saturation=0.9, hue=0.4, p=1.0)
    images = with_channels(count).astype("float32")
    samples = layer.sample(images, (1, 2))
    place = ("brightness", "contrast").index(kind)
    chosen = samples["kinds"].numpy() == place
    factors = samples["factors"].numpy()[chosen]
    made = apply(layer, images)
    for image, factor, result in zip(images, factors, made, strict=True):
        other = 0.0 if kind == "brightness" else image.mean()
        wanted = np.clip(factor * image + (1 - factor) * other, 0, 255)
        np.testing.assert_allclose(result, wanted, atol=1e-3)
    assert np.abs(made - images).max() > 20


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_saturation_hue_and_grey_leave_images_without_colours(compiled):
    colours = [ColorJitter(0, 0, 0.9, 0.5, p=1.0), RandomGrayscale(1.0)]
    view = View(weak_view(16).geometric, colours)
    crops = drawn(View(view.geometric), with_channels(4), compiled)
    made = drawn(view, with_channels(4), compiled)
    np.testing.assert_allclose(made, crops, rtol=0, atol=1e-3)
    moved = drawn(view, PHOTOS, compiled)
    assert np.abs(moved - crops[..., :3]).max() > 5


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_the_compiled_loop_equals_the_layers(count):
    view = strong_view(16, **TURNS, solarize_prob=0.3)
    images = with_channels(count)
    loop, layers = drawn(view, images, True), drawn(view, images)
    np.testing.assert_allclose(loop, layers, rtol=0, atol=2e-2)


@pytest.mark.slow
def test_photos_of_any_size_get_the_views_of_the_batch():
    views = Views({"view": strong_view(16)}, compiled=True)
    images = with_channels(4)
    samples = tf.function(lambda: views.sample(6, SEED))()

    any_size = tf.TensorSpec([None, None, 4], tf.uint8)
    rows = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape[1:], x.dtype), samples)
    by_photo = tf.function(
        lambda photo, row: views.apply_to_photo(photo, row)["view"],
        input_signature=[any_size, rows],
    )

    made = [by_photo(image, _row(samples, n)) for n, image in enumerate(images)]
    whole = drawn(strong_view(16), images, True)
    np.testing.assert_allclose(tf.stack(made), whole, rtol=0, atol=2e-2)
    assert views.compute_output_shape((None, 24, 20, 4))["view"] == (None, 16, 16, 4)


def _row(samples, number):
    return tf.nest.map_structure(lambda x: x[number], samples)
