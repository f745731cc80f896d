"""Keras's and keras-cv's layers as augmentations: by the seed alone, or refused."""

import logging

import keras
import keras_cv
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference
from helpers.models import tiny_model

from ressl_tf.data.augment.keras_layer import KerasLayer
from ressl_tf.data.augment.layers import RandomResizedCrop
from ressl_tf.data.augment.views import View, Views, weak_view
from ressl_tf.runtime.errors import UsageError

K, CV = keras.layers, keras_cv.layers


@keras.saving.register_keras_serializable(package="test")
class Shift(K.Layer):
    """A layer of a user's own, drawn by `keras.random`."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images):
        return images + keras.random.uniform((1, 1, 1, 3), -40, 40, seed=self.generator)


LAYERS = {
    "flip": lambda: K.RandomFlip(),
    "rotation": lambda: K.RandomRotation(0.25),
    "contrast": lambda: K.RandomContrast(0.5),
    "erasing": lambda: K.RandomErasing(1.0),
    "several": lambda: keras.Sequential([K.RandomFlip(), K.RandomRotation(0.1)]),
    "a user's": lambda: Shift(),
    "cv rotation": lambda: CV.RandomRotation(0.2),
    "cv hue": lambda: CV.RandomHue(0.3, (0, 255)),
    "cv jitter": lambda: CV.RandomColorJitter((0, 255), 0.2, 0.2, 0.2, 0.1),
    "cv cutout": lambda: CV.RandomCutout(0.4, 0.4),
    "cv apply": lambda: CV.RandomApply(CV.RandomFlip("vertical")),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def apply(layer, images, seed, shard=None):
    inputs = {"images": tf.constant(images), "seed": tf.constant(seed)}
    shard = {} if shard is None else {"shard": tf.constant(shard)}
    return layer({**inputs, **shard})["images"].numpy()


@every_layer
def test_the_seed_says_all_and_images_differ(name):
    """Whatever was drawn before, and in what the layer holds; two layers agree."""
    images = np.repeat(reference.photos(1), 6, axis=0)
    layer, other = KerasLayer(LAYERS[name]()), KerasLayer(LAYERS[name]())
    first = apply(layer, images, (1, 2))
    again, third = apply(layer, images, (1, 2)), apply(layer, images, (1, 3))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, apply(other, images, (1, 2)))
    assert np.abs(first - third).max() > 1
    assert len({image.tobytes() for image in first}) > 1
    assert first.shape == images.shape
    assert first.dtype == np.float32


@every_layer
def test_shards_and_a_parallel_pipeline_draw_the_same(name):
    images = reference.photos(6)
    layer = KerasLayer(LAYERS[name]())
    whole = apply(layer, images, (1, 2))
    for index in range(2):
        part = apply(layer, images[3 * index : 3 * index + 3], (1, 2), (index, 2))
        np.testing.assert_allclose(part, whole[3 * index : 3 * index + 3], atol=2e-3)
    pipeline = tf.data.Dataset.range(6).map(
        lambda step: layer(
            {
                "images": tf.constant(images),
                "seed": tf.stack([1, tf.cast(step, "int32")]),
            }
        )["images"],
        num_parallel_calls=3,
    )
    np.testing.assert_allclose(list(pipeline)[2], whole, atol=2e-3)


def test_a_keras_layer_computes_what_it_does_by_itself():
    """Of one image, with the numbers that its generator would draw from that seed."""
    images = reference.photos(3).astype("float32")
    layer = K.RandomBrightness(0.5)
    wrapped = KerasLayer(layer)
    out = apply(wrapped, images, (1, 2))
    difference = (out - images).reshape(3, -1)
    inside = (out > 0).reshape(3, -1) & (out < 255).reshape(3, -1)
    shifts = [
        np.unique(np.round(d[i], 2)) for d, i in zip(difference, inside, strict=True)
    ]
    assert all(np.ptp(shift) < 0.02 for shift in shifts)  # one number for all pixels
    assert len({float(shift[0]) for shift in shifts}) == 3
    assert np.abs(shifts).max() <= 128


def test_the_layers_own_state_is_not_used_or_moved():
    layer = Shift(seed=3)
    state = layer.generator.state.numpy()
    augmentation = KerasLayer(layer)
    apply(augmentation, reference.photos(2), (1, 2))
    np.testing.assert_array_equal(layer.generator.state, state)
    assert "next" not in vars(layer.generator)
    jitter = CV.RandomContrast((0, 255), 0.3)
    before = {name: id(value) for name, value in vars(jitter).items()}
    apply(KerasLayer(jitter), reference.photos(2), (1, 2))
    after = {name: id(vars(jitter)[name]) for name in before}
    same = ("factor", "_random_generator")
    assert all(before[n] == after[n] for n in before if n.endswith(same))


def test_in_a_view_it_is_geometric_or_photometric(images):
    strong = View(
        [K.RandomRotation(0.25), RandomResizedCrop(16), K.RandomFlip("vertical")],
        [K.RandomContrast(0.4), CV.RandomHue(0.2, (0, 255))],
    )
    views = Views({"strong": strong, "weak": weak_view(16)})
    assert views.sizes == {"strong": 16, "weak": 16}
    seed = tf.constant([0, 7])
    made = views(images, seed)["strong"].numpy()
    np.testing.assert_array_equal(made, views(images, seed)["strong"])
    crops = views.geometric(images, seed)
    np.testing.assert_allclose(
        views.photometric(crops, seed)["strong"], made, atol=2e-3
    )
    config = keras.saving.serialize_keras_object(views)
    rebuilt = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(rebuilt(images, seed)["strong"], made)


@pytest.mark.parametrize("compiled", [True, False])
def test_photos_of_many_sizes_go_through_it(compiled):
    view = View(
        [K.RandomFlip("vertical"), RandomResizedCrop(16)], [K.RandomContrast(0.4)]
    )
    views = Views({"a": view}, compiled=compiled)
    seed, photos = tf.constant([0, 7]), [(20, 30), (24, 18)]
    samples = views.sample(2, seed)

    @tf.function
    def pipeline():
        made = [
            views.apply_to_photo(
                tf.random.stateless_uniform([*photo, 3], (0, i), 0, 255),
                tf.nest.map_structure(lambda s, i=i: s[i], samples),
            )
            for i, photo in enumerate(photos)
        ]
        batch = {"a": tf.stack([photo["a"] for photo in made])}
        return views.finalize(batch, seed)["a"]

    assert pipeline().shape == (2, 16, 16, 3)
    np.testing.assert_array_equal(pipeline(), pipeline())


@pytest.mark.parametrize("layer", [K.Resizing(16, 16), K.RandomCrop(16, 16)])
def test_a_layer_can_give_the_view_its_size(layer, images):
    views = Views({"a": View([layer])})
    assert views.sizes == {"a": 16}
    assert views(images[:, :12], seed=(0, 1))["a"].shape == (12, 16, 16, 3)


@pytest.mark.slow
def test_fit_trains_through_it_alike_and_a_loaded_model_goes_on(images, tmp_path):
    def model():
        strong = View([RandomResizedCrop(16)], [K.RandomRotation(0.25), Shift()])
        return tiny_model(views=Views({"strong": strong, "weak": weak_view(16)}))

    options = {"batch_size": 6, "verbose": 0, "shuffle": False}
    first, second = model(), model()
    losses = [m.fit(images, **options).history["loss"] for m in (first, second)]
    assert losses[0] == losses[1]
    assert not [v for v in first.variables if "seed" in v.path]
    first.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    losses = [m.fit(images, **options).history["loss"] for m in (second, loaded)]
    assert losses[0] == losses[1]


class NumPy(K.Layer):
    def call(self, images):
        return images + np.random.default_rng().uniform(-9, 9)  # of no seed


class Stateful(K.Layer):
    def call(self, images):
        return images + tf.random.uniform([1, 1, 1, 3], -9, 9)


REFUSED = {
    "function": (lambda: lambda image: image, "is a Keras layer; a function becomes"),
    "a class": (lambda: K.RandomFlip, "is a Keras layer"),
    "numpy": (NumPy, r"NumPy draws from a state that no seed sets.*same seed"),
    "stateful": (Stateful, r"Stateful draws.*\(.*(RandomUniform|same seed)"),
    "mixing": (lambda: K.MixUp(), "MixUp mixes images of a batch"),
    "cv mixing": (lambda: CV.CutMix(), "CutMix mixes images of a batch"),
    "weights": (lambda: K.Conv2D(3, 3, padding="same"), "Conv2D has weights"),
    "0..1": (
        lambda: K.Rescaling(1 / 255),
        r"values from .* to 0\.9999 of images on 0\.\.255",
    ),
    "inverted by chance": (
        lambda: K.RandomInvert(0.5, value_range=(0, 1)),
        r"value_range=\(0, 255\)",
    ),
    "erased": (lambda: K.RandomErasing(0.5, value_range=(0, 1)), "on another range"),
    "within another": (
        lambda: CV.RandomApply(CV.RandomBrightness(0.3, value_range=(0, 1)), rate=0.1),
        "on another range",
    ),
    "halved": (lambda: K.Normalization(mean=0.0, variance=4.0), "from 0.* to 127"),
    "clipped to 0..1": (
        lambda: K.RandomBrightness(0.2, value_range=(0, 1)),
        "give it value_range=",
    ),
    "oblong": (lambda: K.Resizing(16, 24), r"square size.*Received: \(16, 24, 3\)"),
    "grey": (lambda: CV.Grayscale(1), r"with 3 channels.*Received: \(48, 64, 1\)"),
    "ragged": (lambda: CV.RandomAspectRatio((0.8, 1.2)), "becomes a RaggedTensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_refused_in_one_line_with_the_reason(name):
    make, message = REFUSED[name]
    with pytest.raises(UsageError, match=message) as caught:
        View([RandomResizedCrop(16)], [make()])
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_photometric_layers_keep_the_size():
    with pytest.raises(UsageError, match=r"photometric layers keep.*'Resizing'"):
        View([], [K.Resizing(16, 16)])
    with pytest.raises(UsageError, match=r"of one size.*\['RandomFlip'\]"):
        Views({"a": View([K.RandomFlip()])})


def test_a_layer_that_keras_cannot_rebuild_is_said(caplog):
    class Unmade(K.RandomFlip):
        def get_config(self):
            return {**super().get_config(), "more": 1}

    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        KerasLayer(Unmade())
    assert "Unmade cannot be made again from its get_config()" in caplog.text
