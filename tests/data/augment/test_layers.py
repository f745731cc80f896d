"""Each layer against plain NumPy, and invariants of all."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference
from helpers.augmenting import apply, draws

from ressl_tf.data.augment import layers
from ressl_tf.runtime.errors import UsageError

LAYERS = {
    "crop": lambda: layers.RandomResizedCrop(24),
    "flip": lambda: layers.RandomHorizontalFlip(0.5),
    "jitter": lambda: layers.ColorJitter(p=0.8),
    "grey": lambda: layers.RandomGrayscale(0.3),
    "blur": lambda: layers.GaussianBlur(0.5),
    "solarize": lambda: layers.RandomSolarize(0.5, threshold=100),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())


def test_layers_apply_their_own_draws_image_by_image():
    images = reference.photos(9)
    layer = layers.RandomResizedCrop(16, flip_p=0.5)
    drawn = layer.place(images[:, :40].shape[1:3], draws(layer, 9))
    assert 0 < drawn["mirrored"].numpy().sum() < 9
    for image, own, box, mirrored in zip(
        images,
        apply(layer, images[:, :40]),
        *(drawn[key].numpy() for key in ("boxes", "mirrored")),
        strict=True,
    ):
        truth = reference.crop_and_resize(image, box, 16)
        truth = truth[:, ::-1] if mirrored else truth
        np.testing.assert_allclose(own, truth, atol=2e-3)


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7, 16])
def test_jitter_applies_the_drawn_order_to_every_image(batch):
    images = reference.photos(batch, height=12, width=10)
    layer = layers.ColorJitter(p=0.8)
    drawn = {key: value.numpy() for key, value in draws(layer, batch).items()}
    hand = (batch + 3) // 4
    ours = apply(layer, images)
    ops = (reference.brightness, reference.contrast, reference.saturation)
    for i, image in enumerate(images.astype(np.float64)):
        hue_position = list(drawn["order"]).index(i) // hand
        steps = [
            (ops[kind], factor)
            for kind, factor in zip(drawn["kinds"][i], drawn["factors"][i], strict=True)
        ]
        steps.insert(hue_position, (reference.hue, drawn["shift"][i]))
        for op, value in steps:
            image = op(image, float(value))
        np.testing.assert_allclose(ours[i], image, atol=1e-2)


def test_flip_grey_and_solarize_change_exactly_the_drawn_images():
    images = reference.photos(40, height=9, width=8)
    changed = {
        layers.RandomHorizontalFlip(0.4): lambda image: image[:, ::-1],
        layers.RandomGrayscale(0.4): reference.grayscale,
        layers.RandomSolarize(0.4, 128): lambda im: reference.solarize(im, 128),
    }
    for layer, definition in changed.items():
        drawn = draws(layer, 40).numpy()
        assert 0 < drawn.sum() < 40
        for image, own, hit in zip(images, apply(layer, images), drawn, strict=True):
            image = image.astype(np.float64)
            truth = definition(image) if hit else image
            np.testing.assert_allclose(own, truth, atol=1e-3)


def test_blur_changes_exactly_the_drawn_images():
    images = reference.photos(12)
    layer = layers.GaussianBlur(0.5)
    drawn = draws(layer, 12)
    assert 0 < drawn["drawn"].numpy().sum() < 12
    for image, own, hit, sigma in zip(
        images, apply(layer, images), *map(np.array, drawn.values()), strict=True
    ):
        if hit:
            assert np.abs(own - reference.gaussian_blur(image, sigma)).mean() < 0.1
        else:
            np.testing.assert_array_equal(own, image)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.RandomHorizontalFlip(0.0),
        lambda: layers.ColorJitter(p=0.0),
        lambda: layers.RandomGrayscale(0.0),
        lambda: layers.GaussianBlur(0.0),
        lambda: layers.RandomSolarize(0.0),
    ],
)
def test_nothing_changes_with_probability_zero(make):
    images = reference.photos(5)
    np.testing.assert_allclose(apply(make(), images), images, atol=1e-3)


@every_layer
def test_one_seed_gives_one_view_and_another_seed_another(make):
    images = reference.photos(6)
    first = apply(make(), images, seed=(1, 2))
    np.testing.assert_array_equal(first, apply(make(), images, seed=(1, 2)))
    assert np.abs(first - apply(make(), images, seed=(1, 3))).max() > 1


@every_layer
def test_images_of_a_batch_differ_in_their_draws(make):
    views = apply(make(), np.repeat(reference.photos(1), 8, axis=0))
    assert len(np.unique(views.round().reshape(8, -1), axis=0)) > 1


@every_layer
def test_uint8_and_float32_images_give_the_same(make):
    images = reference.photos(4)
    views = apply(make(), images)
    assert views.dtype == np.float32
    np.testing.assert_array_equal(views, apply(make(), images.astype(np.float32)))


@every_layer
def test_one_image_without_batch_is_a_batch_of_one(make):
    image = reference.photo()
    out = make()({"images": image, "seed": np.array([1, 2], np.int32)})
    np.testing.assert_array_equal(out["images"], apply(make(), image[None])[0])
    np.testing.assert_array_equal(out["seed"], [1, 2])


@every_layer
def test_other_entries_pass_through(make):
    images, seed = tf.constant(reference.photos(3)), tf.constant([1, 2])
    inputs = {"images": images, "seed": seed, "labels": tf.range(3)}
    np.testing.assert_array_equal(make()(inputs)["labels"], range(3))


@every_layer
def test_a_graph_with_unknown_sizes_gives_the_eager_views(make):
    layer, images = make(), reference.photos(5)
    run = tf.function(
        lambda images, seed: layer({"images": images, "seed": seed})["images"],
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8),
            tf.TensorSpec([2], tf.int32),
        ],
    )
    np.testing.assert_allclose(run(images, (1, 2)), apply(layer, images), atol=1e-2)


@every_layer
def test_a_parallel_map_gives_the_same_bytes(make):
    layer = make()
    batches = np.stack([reference.photos(7)] * 8)

    def views(parallel):
        dataset = tf.data.Dataset.from_tensor_slices(batches).enumerate()
        dataset = dataset.map(
            lambda i, images: layer(
                {"images": images, "seed": tf.stack([0, tf.cast(i, tf.int32)])}
            )["images"],
            num_parallel_calls=parallel,
        )
        return np.stack(list(dataset.as_numpy_iterator()))

    alone = views(1)
    assert np.abs(alone[0] - alone[1]).max() > 1  # batches of the same photos
    np.testing.assert_array_equal(alone, views(4))


@every_layer
def test_mixed_precision_does_not_reach_the_views(make):
    images = reference.photos(4)
    views = apply(make(), images)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = apply(make(), images)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(mixed, views)


@every_layer
def test_config_round_trip(make):
    layer = make()
    config = keras.saving.serialize_keras_object(layer)
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.get_config() == layer.get_config()
    assert not layer.variables
    images = reference.photos(4)
    np.testing.assert_array_equal(apply(twin, images), apply(layer, images))


@pytest.mark.slow
def test_xla_computes_the_same_from_the_same_draws():
    """XLA's draws differ from the CPU kernels', what is done with them does not."""
    images = tf.constant(reference.photos(5), tf.float32)
    for make in LAYERS.values():
        layer = make()
        drawn = layer.sample(images, (1, 2))
        compiled = tf.function(layer.augment_images, jit_compile=True)
        np.testing.assert_allclose(
            compiled(images, drawn), layer.augment_images(images, drawn), atol=1e-2
        )
        inputs = {"images": images, "seed": tf.constant([1, 2])}
        whole = tf.function(lambda inputs, layer=layer: layer(inputs), jit_compile=True)
        assert np.isfinite(whole(inputs)["images"]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomResizedCrop(0), "size must be"),
        (lambda: layers.RandomResizedCrop(8, scale=(0.5, 0.2)), "scale must be"),
        (lambda: layers.RandomResizedCrop(8, scale=(0.5, 1.2)), "scale must be"),
        (lambda: layers.RandomResizedCrop(8, ratio=(0, 1)), "ratio must be"),
        (lambda: layers.RandomResizedCrop(8, flip_p=2), "flip_p must be"),
        (lambda: layers.RandomHorizontalFlip(1.5), "p must be"),
        (lambda: layers.ColorJitter(brightness=-1), "brightness, contrast"),
        (lambda: layers.ColorJitter(hue=0.6), "hue must be"),
        (lambda: layers.GaussianBlur(sigma=(0.1, 5)), "sigma must be"),
        (lambda: layers.GaussianBlur(sigma=(0, 1)), "sigma must be"),
    ],
)
def test_impossible_arguments(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_an_image_smaller_than_the_blur_kernel_is_refused():
    with pytest.raises(UsageError, match="at least 7 pixels"):
        apply(layers.GaussianBlur(1.0), reference.photos(2, height=6, width=20))


def test_boxes_that_would_not_move_with_the_image_are_refused():
    inputs = {"images": reference.photos(2), "seed": (1, 2), "keypoints": 0}
    with pytest.raises(UsageError, match="Received: keypoints"):
        layers.RandomHorizontalFlip()._batch_augment(inputs)
