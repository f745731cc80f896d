"""Each layer against plain NumPy, the distribution of every draw, and invariants."""

import itertools
import math

import keras
import numpy as np
import numpy_views as reference
import pytest
import tensorflow as tf
from scipy import stats

from ressl_tf.data.augment import blur, color, crop, layers, resample
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


def apply(layer, images, seed=(1, 2)):
    return layer({"images": images, "seed": seed})["images"].numpy()


def draws(layer, batch, seed=(1, 2), side=32):
    return layer.sample(tf.zeros([batch, side, side, 3]), seed)


def planes(image):
    return tf.constant(image.astype(np.float32).transpose(2, 0, 1)[None])


def pixels(planar):
    return planar.numpy()[0].transpose(1, 2, 0)


def column(value):
    return tf.constant([[[[value]]]])


def assert_uniform(values, low=0.0, high=1.0):
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01


# --- each op against its definition ---------------------------------------------------


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


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [8, 24, 35, 64])
@pytest.mark.parametrize(
    "box", [(0, 0, 48, 40), (5, 7, 31, 22), (47, 39, 1, 1), (30, 0, 18, 40)]
)
def test_crop_is_cut_and_resampled(box, size, antialias):
    image = reference.photo()
    boxes = tf.constant([box], tf.float32)
    images = tf.constant(image[None], tf.float32)
    truth = reference.crop_and_resize(image, box, size, antialias)
    for mirrored, expected in ((False, truth), (True, truth[:, ::-1])):
        ours = resample.crop_and_resize(images, boxes, [mirrored], size, antialias)[0]
        np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_layers_apply_their_own_draws_image_by_image():
    images = reference.photos(9)
    layer = layers.RandomResizedCrop(16, flip_p=0.5)
    drawn = layer.place(images[:, :40], draws(layer, 9))
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


# --- the distribution of every draw ---------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "scale"),
    [(32, 32, (0.2, 1.0)), (375, 500, (0.08, 1.0)), (200, 900, (0.2, 1.0))],
)
def test_crop_boxes_are_distributed_as_torchvisions(height, width, scale):
    ratio = (3 / 4, 4 / 3)
    count = 4000
    ours = crop.boxes(crop.sample((3, 4), count), height, width, scale, ratio).numpy()
    ours = ours.astype(np.float64)  # so that equal ratios stay equal
    rng = np.random.default_rng(0)
    truth, gave_up = zip(
        *(reference.sample_box(rng, height, width, scale, ratio) for _ in range(count)),
        strict=True,
    )
    truth = np.array(truth, np.float64)
    for measure in (
        lambda box: box[:, 2] * box[:, 3],  # area
        lambda box: box[:, 3] / box[:, 2],  # aspect
        lambda box: box[:, 0],
        lambda box: box[:, 1],
        lambda box: box[:, 0] + box[:, 2],
        lambda box: box[:, 1] + box[:, 3],
    ):
        # 18 comparisons in all: .01 for the whole family
        assert stats.ks_2samp(measure(ours), measure(truth)).pvalue > 0.01 / 18
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, 0] + ours[:, 2] <= height).all()
    assert (ours[:, 1] + ours[:, 3] <= width).all()
    assert any(gave_up) == (width == 900)  # the long photo needs the fallback at times


def test_a_hopeless_photo_gets_the_central_box():
    boxes = crop.boxes(crop.sample((1, 2), 3), 10, 1000, (0.5, 1.0), (3 / 4, 4 / 3))
    np.testing.assert_array_equal(boxes, [[0, 493, 10, 13]] * 3)
    boxes = crop.boxes(crop.sample((1, 2), 3), 1000, 10, (0.5, 1.0), (3 / 4, 4 / 3))
    np.testing.assert_array_equal(boxes, [[493, 0, 13, 10]] * 3)


def test_area_is_uniform_and_aspect_log_uniform_where_every_box_fits():
    draws = crop.sample((5, 6), 4000)
    boxes = crop.boxes(draws, 4000, 4000, (0.1, 0.5), (3 / 4, 4 / 3))
    top, left, height, width = boxes.numpy().T
    assert_uniform(height * width / 16e6, 0.1, 0.5)
    assert_uniform(np.log(width / height), -math.log(4 / 3), math.log(4 / 3))
    assert_uniform((top + 0.5) / (4000 - height + 1))
    assert_uniform((left + 0.5) / (4000 - width + 1))
    assert abs(np.corrcoef(height * width, width / height)[0, 1]) < 0.05


def test_jitter_factors_are_uniform_and_independent():
    layer = layers.ColorJitter(0.4, 0.3, 1.5, 0.1, p=1.0)
    drawn = draws(layer, 4000)
    kinds, factors = drawn["kinds"].numpy(), drawn["factors"].numpy()
    factors = np.take_along_axis(factors, np.argsort(kinds), axis=1)
    for values, low, high in zip(
        factors.T, (0.6, 0.7, 0.0), (1.4, 1.3, 2.5), strict=True
    ):
        assert_uniform(values, low, high)
    shift = drawn["shift"].numpy()
    assert_uniform(shift, -0.1, 0.1)
    correlation = np.corrcoef([*factors.T, shift])
    assert np.abs(correlation - np.eye(4)).max() < 0.06


def test_jitter_order_does_not_depend_on_the_factors():
    drawn = draws(layers.ColorJitter(p=1.0), 4000)
    first = drawn["kinds"].numpy()[:, 0]
    brightness = drawn["factors"].numpy()[drawn["kinds"].numpy() == color.BRIGHTNESS]
    for kind in range(3):
        assert_uniform(brightness[first == kind], 0.6, 1.4)


def test_jitter_is_drawn_with_probability_p():
    drawn = draws(layers.ColorJitter(p=0.8), 4000)
    changed = (drawn["factors"].numpy() != 1).all(axis=1)
    assert stats.binomtest(int(changed.sum()), 4000, 0.8).pvalue > 0.01
    np.testing.assert_array_equal(changed, drawn["shift"].numpy() != 0)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3, 4, 10])
def test_every_image_has_each_of_the_24_orders_equally_often(batch):
    layer = layers.ColorJitter()
    hand = (batch + 3) // 4
    calls = 1500

    @tf.function
    def order(seed):
        drawn = draws(layer, batch, seed)
        return drawn["kinds"], tf.argsort(drawn["order"])[:batch] // hand

    kinds, hue = zip(*(order(tf.constant([7, i])) for i in range(calls)), strict=True)
    names = {kinds: i for i, kinds in enumerate(itertools.permutations(range(3)))}
    for image in {0, batch - 1}:  # the first and the last of the batch
        codes = [
            names[tuple(kind[image].numpy())] * 4 + int(position[image])
            for kind, position in zip(kinds, hue, strict=True)
        ]
        counts = np.bincount(codes, minlength=24)
        assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_crops_are_mirrored_with_probability_flip_p(p):
    drawn = draws(layers.RandomResizedCrop(8, flip_p=p), 4000)
    hits = int(drawn["mirrored"].numpy().sum())
    assert stats.binomtest(hits, 4000, p).pvalue > 0.01


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_coins_fall_with_probability_p(p):
    for layer in (
        layers.RandomHorizontalFlip(p),
        layers.RandomGrayscale(p),
        layers.RandomSolarize(p),
    ):
        hits = int(draws(layer, 4000).numpy().sum())
        assert stats.binomtest(hits, 4000, p).pvalue > 0.01


def test_blur_draws_a_uniform_sigma_for_a_share_p():
    drawn = draws(layers.GaussianBlur(0.5, sigma=(0.1, 2.0)), 4000)
    hits = drawn["drawn"].numpy()
    assert stats.binomtest(int(hits.sum()), 4000, 0.5).pvalue > 0.01
    assert_uniform(drawn["sigma"].numpy()[hits], 0.1, 2.0)


def test_layers_with_one_seed_draw_independently():
    flip, grey = layers.RandomHorizontalFlip(0.5), layers.RandomGrayscale(0.5)
    together = np.mean(draws(flip, 4000).numpy() & draws(grey, 4000).numpy())
    assert together == pytest.approx(0.25, abs=0.03)


# --- invariants -----------------------------------------------------------------------


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


# --- mistakes -------------------------------------------------------------------------


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
