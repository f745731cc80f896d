"""Views of single photos against those of their batch, and against the definition."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_views as reference

from ressl_tf.data.augment import layers as augment
from ressl_tf.data.augment.views import View, Views, strong_view, weak_view
from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import training_batches

SIZE = 12
SEED = tf.constant([3, 4])


def staged(compiled):
    """Return a view, one of its finished images, and one that crops them again."""
    painted = View(photometric=strong_view(SIZE).photometric, source="weak")
    local = View([augment.RandomResizedCrop(8, (0.2, 0.6))], source="strong")
    named = {"weak": weak_view(SIZE), "strong": strong_view(SIZE)}
    return Views({**named, "painted": painted, "local": local}, compiled=compiled)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_several_geometric_layers_give_a_photo_what_its_batch_gives(compiled):
    jitter = augment.ColorJitter(0.4, 0.4, 0.4, 0.3, p=1.0)
    turn = keras.layers.RandomRotation(0.1)
    layers = [turn, augment.RandomResizedCrop(SIZE), keras.layers.RandomFlip(), jitter]
    view = View(layers, [keras.layers.RandomContrast(0.4)])
    views = Views({"view": view}, compiled=compiled)
    photos = reference.photos(6, height=30, width=26)
    whole = views(photos, SEED)["view"]
    np.testing.assert_allclose(by_photo(views, photos)["view"], whole, atol=5e-3)
    shard = by_photo(views, photos[2:4], shard=(1, 3))["view"]
    np.testing.assert_allclose(shard, whole[2:4], atol=5e-3)


def flipped(compiled):
    """Return a view without a single crop, which the compiled loop cannot take."""
    layers = [augment.RandomResizedCrop(SIZE), augment.RandomHorizontalFlip()]
    return Views({"flipped": View(layers)}, compiled=compiled)


def by_photo(views, photos, shard=None):
    """Take the three steps, for photos that are all there."""
    samples = views.sample(len(photos), SEED, shard)
    apply = views.apply_to_photo
    apply = tf.function(apply) if views.compiled else apply
    photo_views = [
        apply(tf.constant(photo), tf.nest.map_structure(lambda x, i=i: x[i], samples))
        for i, photo in enumerate(photos)
    ]
    batch = {
        name: tf.stack([each[name] for each in photo_views]) for name in photo_views[0]
    }
    return views.finalize(batch, SEED, shard)


COMPILED = pytest.mark.parametrize(
    "compiled",
    [False, pytest.param(True, marks=pytest.mark.slow)],  # which takes half a minute
    ids=["layers", "compiled"],
)


@COMPILED
def test_photos_have_the_views_that_their_batch_would_have(compiled):
    views, photos = staged(compiled), reference.photos(4, height=30, width=26)
    whole = staged(False)(photos, SEED)
    alone = by_photo(views, photos)
    assert alone.keys() == whole.keys()
    for name, view in whole.items():
        np.testing.assert_allclose(alone[name], view, atol=5e-3, err_msg=name)


@COMPILED
def test_a_shard_of_a_batch_has_what_it_has_in_the_whole(compiled):
    photos = reference.photos(6, height=30, width=26)
    for make in (staged, flipped):
        whole = by_photo(make(False), photos)
        shard = by_photo(make(compiled), photos[2:4], shard=(1, 3))
        for name, view in whole.items():
            np.testing.assert_allclose(shard[name], view[2:4], atol=5e-3, err_msg=name)


@COMPILED
def test_photos_of_any_size_are_cropped_by_their_own_draws(compiled):
    sizes = [(40, 60), (90, 30), (13, 13), (8, 9), (150, 150)]
    photos = [reference.photo(i, *size) for i, size in enumerate(sizes)]
    views = Views({"weak": weak_view(SIZE)}, compiled=compiled)
    anything = tf.TensorSpec([None, None, 3], tf.uint8)
    samples = views.sample(len(photos), SEED)

    @tf.function(reduce_retracing=True)
    def apply(photo, row):
        return views.apply_to_photo(photo, row)

    (layer,) = views.views["weak"].geometric
    for i, photo in enumerate(photos):
        own = tf.nest.map_structure(lambda x, i=i: x[i], samples)
        specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, own)
        one = apply.get_concrete_function(anything, specs)(tf.constant(photo), own)
        transformations = {key: x[None] for key, x in own["weak"]["crop"].items()}
        placed = layer.place(photo.shape[:2], transformations)
        truth = reference.crop_and_resize(photo, placed["boxes"][0].numpy(), SIZE)
        truth = truth[:, ::-1] if placed["mirrored"][0] else truth
        np.testing.assert_allclose(one["weak"], truth, atol=5e-3, err_msg=str(i))


def test_every_photo_has_draws_of_its_own():
    photos = np.repeat(reference.photos(1, height=30, width=26), 6, axis=0)
    for views in (staged(False), flipped(False)):
        for view in by_photo(views, photos).values():
            assert len({image.tobytes() for image in view.numpy()}) == 6


@pytest.fixture
def folder(tmp_path):
    """Write ten photos of one size."""
    for number, photo in enumerate(reference.photos(10, height=30, width=26)):
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(photo).numpy())
    return f"folder:{tmp_path}"


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True], ids=["layers", "compiled"])
def test_a_stream_has_the_views_of_the_same_photos_in_memory(folder, compiled):
    options = {"batch_size": 4, "seed": 1, "stop_step": 3}
    memory, stream = (load_source(folder, "train", cache=c) for c in ("memory", "none"))
    expected = list(training_batches(memory, staged(False), **options))
    steps = list(training_batches(stream, staged(compiled), **options))
    assert len(steps) == len(expected) == 3
    for step, truth in zip(steps, expected, strict=True):
        for name, view in truth.items():
            np.testing.assert_allclose(step[name], view, atol=5e-3, err_msg=name)
