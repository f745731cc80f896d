"""Views: names, sizes, seeds, staging, the split for pipelines, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference

from ressl_tf.data.augment import views as views_module
from ressl_tf.data.augment.layers import (
    ColorJitter,
    RandomGrayscale,
    RandomHorizontalFlip,
    RandomResizedCrop,
)
from ressl_tf.data.augment.views import View, Views, strong_view, weak_view
from ressl_tf.runtime.errors import UsageError


def staged() -> Views:
    """Return RSA's views: the aggressive one is painted on the crop of the weak one."""
    return Views(
        {
            "w1": weak_view(24),
            "a1": View(photometric=strong_view(24).photometric, source="w1"),
            "small": strong_view(16, (0.1, 0.4)),
        }
    )


def test_every_view_has_its_name_size_and_scale_of_values():
    views = staged()
    out = views(reference.photos(5), seed=(1, 2))
    assert views.names == ("w1", "a1", "small")
    assert views.sizes == {"w1": 24, "a1": 24, "small": 16}
    for name, images in out.items():
        assert images.dtype == tf.float32
        assert images.shape == (5, views.sizes[name], views.sizes[name], 3)
        assert 0 <= images.numpy().min() < 100 < images.numpy().max() < 255.01


def test_the_papers_views_are_made_of_the_papers_layers():
    strong = strong_view(32)
    config = {
        type(layer).__name__: layer.get_config()
        for layer in (*strong.geometric, *strong.photometric)
    }
    assert list(config) == [
        "RandomResizedCrop",
        "ColorJitter",
        "RandomGrayscale",
        "GaussianBlur",
    ]
    expected = {
        "RandomResizedCrop": {
            "size": 32,
            "scale": (0.2, 1.0),
            "ratio": (3 / 4, 4 / 3),
            "antialias": True,
            "flip_p": 0.5,
        },
        "ColorJitter": {
            "brightness": 0.4,
            "contrast": 0.4,
            "saturation": 0.4,
            "hue": 0.1,
            "p": 0.8,
        },
        "RandomGrayscale": {"p": 0.2},
        "GaussianBlur": {"p": 0.5, "sigma": (0.1, 2.0)},
    }
    for name, values in expected.items():
        assert values.items() <= config[name].items()
    weak = weak_view(32)
    assert [type(layer).__name__ for layer in weak.geometric] == list(config)[:1]
    assert not weak.photometric


def test_strengths_reach_the_layers():
    strong = strong_view(
        8,
        (0.5, 0.6),
        brightness=0.1,
        contrast=0.2,
        saturation=0.3,
        hue=0.05,
        color_jitter_prob=0.7,
        grayscale_prob=0.1,
        blur_prob=0.4,
        blur_sigma=(0.2, 1.0),
        flip_prob=0.3,
    )
    (crop,) = strong.geometric
    jitter, grey, blur = strong.photometric
    assert (crop.scale, crop.flip_p, grey.p) == ((0.5, 0.6), 0.3, 0.1)
    assert (jitter.strengths, jitter.hue, jitter.p) == ((0.1, 0.2, 0.3), 0.05, 0.7)
    assert (blur.p, blur.sigma) == (0.4, (0.2, 1.0))


def test_solarising_comes_last_and_moves_no_other_draw():
    images = reference.photos(6)
    drawn = {
        p: Views({"a": strong_view(16, solarize_prob=p)}, compiled=False)(
            images, seed=(1, 2)
        )
        for p in (0.0, 0.5, 1.0)
    }
    plain, half, always = (views["a"].numpy() for views in drawn.values())
    np.testing.assert_array_equal(always, reference.solarize(plain, 128))
    changed = [
        bool((one != other).any()) for one, other in zip(half, plain, strict=True)
    ]
    assert 0 < sum(changed) < 6
    np.testing.assert_array_equal(half[changed], always[changed])


def test_a_seed_fixes_the_views_and_another_changes_them():
    views, images = staged(), reference.photos(4)
    first, again = views(images, seed=(1, 2)), views(images, seed=(1, 2))
    other = views(images, seed=(2, 2))
    for name in views.names:
        np.testing.assert_array_equal(first[name], again[name])
        assert np.abs(first[name] - other[name]).mean() > 1


def test_views_draw_independently_and_do_not_depend_on_each_other():
    images = reference.photos(4)
    pair = Views({"a": weak_view(24), "b": weak_view(24)})(images, seed=(1, 2))
    assert np.abs(pair["a"] - pair["b"]).mean() > 1
    alone = Views({"b": weak_view(24)})(images, seed=(1, 2))
    np.testing.assert_array_equal(pair["b"], alone["b"])


def test_two_layers_of_one_class_in_a_view_draw_independently():
    images = reference.photos(12)
    crop, flip = RandomResizedCrop(24), RandomHorizontalFlip(0.5)
    twice = Views({"x": View([crop, flip, flip])})(images, seed=(1, 2))["x"]
    never = Views({"x": View([crop])})(images, seed=(1, 2))["x"]
    assert np.abs(twice - never).max() > 1  # else the second undid the first


def test_a_staged_view_is_painted_on_the_finished_source():
    images = reference.photos(6)
    nothing = View(photometric=[ColorJitter(p=0.0)], source="w1")
    grey = View(photometric=[RandomGrayscale(1.0)], source="w1")
    views = Views({"w1": strong_view(24), "same": nothing, "grey": grey})
    out = views(images, seed=(3, 4))
    np.testing.assert_allclose(out["same"], out["w1"], atol=1e-3)
    expected = [reference.grayscale(image) for image in out["w1"].numpy()]
    np.testing.assert_allclose(out["grey"], expected, atol=1e-2)


def test_a_staged_view_may_crop_its_source_again():
    local = View([RandomResizedCrop(8, (0.1, 0.2))], source="w1")
    views = Views({"w1": weak_view(24), "local": local})
    assert views.sizes["local"] == 8
    assert views(reference.photos(3), seed=(1, 2))["local"].shape == (3, 8, 8, 3)


def test_the_two_parts_together_are_the_whole():
    views, images, seed = staged(), reference.photos(5), tf.constant([1, 2])
    crops = views.geometric(images, seed)
    assert set(crops) == {"w1", "small"}
    whole = views(images, seed)
    for name, finished in views.photometric(crops, seed).items():
        np.testing.assert_array_equal(finished, whole[name])


@pytest.mark.slow
def test_a_pipeline_of_photos_of_different_sizes():
    sizes = [(40, 60), (90, 30), (25, 25), (64, 48)]
    pictures = [reference.photo(i, *size) for i, size in enumerate(sizes)]
    dataset = tf.data.Dataset.from_generator(
        lambda: enumerate(pictures),
        output_signature=(
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([None, None, 3], tf.uint8),
        ),
    )
    views = staged()

    def crop(index, image):
        crops = views.geometric(image[None], tf.stack([5, index]))
        return {name: batch[0] for name, batch in crops.items()}

    def run(parallel):
        crops = dataset.map(crop, num_parallel_calls=parallel).batch(2)
        finished = crops.enumerate().map(
            lambda i, crops: views.photometric(
                crops, tf.stack([6, tf.cast(i, tf.int32)])
            ),
            num_parallel_calls=parallel,
        )
        assert finished.element_spec["a1"].shape[1:] == (24, 24, 3)
        return list(finished.as_numpy_iterator())

    for alone, parallel in zip(run(1), run(4), strict=True):
        for name in views.names:
            np.testing.assert_array_equal(alone[name], parallel[name])


@pytest.mark.slow  # XLA compiles this for half a minute
def test_a_graph_and_xla_run_the_views():
    painted = View(photometric=strong_view(24).photometric, source="w1")
    views = Views({"w1": weak_view(24), "a1": painted})
    images = tf.constant(reference.photos(3))
    eager = views(images, seed=tf.constant([1, 2]))
    graph = tf.function(views)(images, seed=tf.constant([1, 2]))
    compiled = tf.function(views, jit_compile=True)(images, seed=tf.constant([1, 2]))
    for name in views.names:
        np.testing.assert_allclose(graph[name], eager[name], atol=1e-2)
        assert compiled[name].shape == eager[name].shape
        assert np.isfinite(compiled[name]).all()


def test_mixed_precision_does_not_reach_the_views():
    images = reference.photos(3).astype(np.float32)
    plain = staged()(images, seed=(1, 2))
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = staged()(images, seed=(1, 2))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for name, view in mixed.items():
        assert view.dtype == tf.float32
        np.testing.assert_array_equal(view, plain[name])


@keras.saving.register_keras_serializable(package="test_views")
class Owner(keras.Model):
    """A model that owns its views, as a method does."""

    def __init__(self, views, **kwargs):
        super().__init__(**kwargs)
        self.views, self.dense = views, keras.layers.Dense(2)

    def call(self, images):
        return self.dense(keras.ops.mean(images, axis=(1, 2)))

    def get_config(self):
        views = keras.saving.serialize_keras_object(self.views)
        return {**super().get_config(), "views": views}

    @classmethod
    def from_config(cls, config):
        views = keras.saving.deserialize_keras_object(config.pop("views"))
        return cls(views, **config)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_model_with_views_is_saved_and_loaded(tmp_path):
    images = reference.photos(4)
    model = Owner(staged())
    model(tf.constant(images, tf.float32))
    assert not model.views.variables
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    before, after = (m.views(images, seed=(1, 2)) for m in (model, loaded))
    for name in model.views.names:
        np.testing.assert_array_equal(before[name], after[name])
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(checkpoint.save(str(tmp_path / "checkpoint")))


def test_impossible_declarations():
    with pytest.raises(UsageError, match="must be declared before"):
        Views({"a": View(source="b"), "b": weak_view(8)})
    with pytest.raises(UsageError, match="needs a RandomResizedCrop or a source"):
        Views({"a": View(photometric=[RandomGrayscale()])})


def test_names_have_seeds_of_their_own():
    seeds = [tuple(views_module._fold((1, 2), name).numpy()) for name in "abcdefgh"]
    assert len(set(seeds)) == 8
