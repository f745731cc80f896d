"""Turns of crops: angles by value, draws, the compiled loop, photos of any size."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference
from helpers.augmenting import apply, draws
from scipy import ndimage, stats

from ressl_tf.data.augment import turns
from ressl_tf.data.augment.layers import RandomResizedCrop
from ressl_tf.data.augment.views import Views, strong_view, weak_view
from ressl_tf.runtime.errors import UsageError

ALL = {"vertical_flip_prob": 0.5, "quarter_turns": True, "rotation": 30.0}
OPTIONS = [
    {"vertical_flip_prob": 0.5},
    {"quarter_turns": True},
    {"rotation": 180.0},
    ALL,
]


def squares(count):
    return reference.photos(count, height=32, width=32).astype("float32")


def test_rotation_is_bilinear_about_the_centre_and_mirrors_at_borders():
    images = reference.photos(3, height=21, width=16).astype("float32")
    angles = np.radians([17.0, -140.0, 0.0]).astype("float32")
    found = turns.rotate(tf.constant(images), tf.constant(angles)).numpy()
    for own, image, angle in zip(found, images, angles, strict=True):
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, sin], [-sin, cos]])  # counter-clockwise, rows down
        centre = (np.array(image.shape[:2]) - 1) / 2
        truth = [
            ndimage.affine_transform(
                plane, matrix, centre - matrix @ centre, order=1, mode="mirror"
            )
            for plane in image.transpose(2, 0, 1)
        ]
        np.testing.assert_allclose(own, np.stack(truth, -1), atol=2e-2)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rotation_by_a_right_angle_is_that_of_numpy(count):
    image = squares(1)
    found = turns.rotate(tf.constant(image), tf.constant([count * np.pi / 2]))
    np.testing.assert_allclose(found[0], np.rot90(image[0], count), atol=1e-2)


def test_quarter_turns_are_even_and_keep_every_value():
    images = np.repeat(squares(1), 400, axis=0)
    plain = apply(RandomResizedCrop(32, (1.0, 1.0), (1.0, 1.0)), images[:1])[0]
    turned = apply(
        RandomResizedCrop(32, (1.0, 1.0), (1.0, 1.0), quarter_turns=True), images
    )
    wanted = np.stack([np.rot90(plain, count) for count in range(4)])
    errors = np.abs(turned[:, None] - wanted[None]).max(axis=(2, 3, 4))  # [400, 4]
    assert errors.min(axis=1).max() < 1e-3
    counts = np.bincount(errors.argmin(axis=1), minlength=4)
    assert stats.chisquare(counts).pvalue > 0.01


def test_crops_are_mirrored_up_and_down_with_its_probability():
    drawn = draws(RandomResizedCrop(8, flip_p=0.5, vertical_flip_prob=0.3), 4000)
    upside_down, mirrored = (drawn[k].numpy() for k in ("upside_down", "mirrored"))
    assert stats.binomtest(int(upside_down.sum()), 4000, 0.3).pvalue > 0.01
    both = int((upside_down & mirrored).sum())
    assert stats.binomtest(both, 4000, 0.15).pvalue > 0.01


def test_angles_are_uniform():
    angles = np.degrees(draws(RandomResizedCrop(8, rotation=20.0), 4000)["angle"])
    assert stats.kstest(angles, stats.uniform(-20, 40).cdf).pvalue > 0.01


def test_what_is_off_draws_nothing_and_what_is_on_moves_no_other_draw():
    plain = draws(RandomResizedCrop(8, flip_p=0.5), 20)
    assert set(plain) == {"draws", "mirrored"}
    for options in OPTIONS:
        drawn = draws(RandomResizedCrop(8, flip_p=0.5, **options), 20)
        np.testing.assert_array_equal(drawn["draws"], plain["draws"])
        if "quarter_turns" not in options:
            np.testing.assert_array_equal(drawn["mirrored"], plain["mirrored"])


def test_a_view_upside_down_is_the_view_upside_down():
    """Colours are drawn as without it, and do not care where up is."""
    images = reference.photos(6)
    views = {
        p: Views({"a": strong_view(16, vertical_flip_prob=p)}, compiled=False)
        for p in (0.0, 1.0)
    }
    plain, turned = (each(images, seed=(1, 2))["a"].numpy() for each in views.values())
    np.testing.assert_allclose(turned, plain[:, ::-1], atol=1e-2)


def test_the_weak_view_is_turned_as_the_strong_one_may_be():
    strong = strong_view(16, **ALL)
    for view in (strong, strong.weak(), weak_view(16, **ALL)):
        (crop,) = view.geometric
        options = crop.vertical_flip_prob, crop.quarter_turns, crop.rotation
        assert options == (0.5, True, 30.0)
        again = RandomResizedCrop.from_config(crop.get_config())
        assert again.get_config() == crop.get_config()
    assert not strong.weak().photometric


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
def test_the_compiled_loop_turns_as_the_layers_do(options):
    images, seed = tf.constant(reference.photos(12)), tf.constant([1, 2])
    named = {"weak": weak_view(16, **options), "strong": strong_view(20, **options)}
    layered = Views(named, compiled=False)(images, seed)
    compiled = Views(named, compiled=True)
    whole, shard = compiled(images, seed), compiled(images[6:], seed, shard=(1, 2))
    for name, view in layered.items():
        np.testing.assert_allclose(whole[name], view, atol=1e-2)
        np.testing.assert_allclose(shard[name], view[6:], atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_photos_of_any_size_are_turned_as_in_their_batch(compiled):
    """Also where only the crops are made here, and the colours in the step."""
    photos, seed = reference.photos(6, height=50, width=70), tf.constant([3, 4])
    named = {"weak": weak_view(16, **ALL), "strong": strong_view(16, **ALL)}
    expected = Views(named, compiled=False)(tf.constant(photos), seed)
    for views, wanted in (
        (Views(named, compiled=compiled), expected),
        (Views(named, compiled=compiled).crops(), None),
    ):
        samples = views.sample(6, seed)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, 3], tf.uint8),
                tf.TensorSpec([]),
            ]
        )
        def one(photo, number, views=views, samples=samples):
            place = tf.cast(number, tf.int32)
            row = tf.nest.map_structure(lambda x: x[place], samples)
            return views.apply_to_photo(photo, row)

        made = [one(photo, float(i)) for i, photo in enumerate(photos)]
        batch = {name: tf.stack([view[name] for view in made]) for name in named}
        done = views.finalize(batch, seed)
        if wanted is None:
            done = Views(named, compiled=compiled).photometric(done, seed)
        for name, view in expected.items():
            np.testing.assert_allclose(done[name], view, atol=2e-2)


def test_options_out_of_range_are_refused():
    with pytest.raises(UsageError, match=r"vertical_flip_prob .* Received: 1\.5"):
        weak_view(8, vertical_flip_prob=1.5)
    with pytest.raises(UsageError, match=r"rotation .* 0\.\.180. Received: 270"):
        weak_view(8, rotation=270)
