"""Properties of several methods of images."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.method_steps import after_a_step, assert_same_step, random_views, tiny
from helpers.models import tiny_model

import ressl_tf
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize("cls", [ressl_tf.BYOL, ressl_tf.RSA])
def test_swapping_the_two_views_changes_nothing(cls):
    views = random_views(tiny(cls))
    swapped = {name: views[name[:-1] + "21"[int(name[-1]) - 1]] for name in views}
    assert_same_step(after_a_step(tiny(cls), views), after_a_step(tiny(cls), swapped))


@pytest.mark.parametrize("cls", [ressl_tf.MoCoV2, ressl_tf.ReCo, ressl_tf.BYOL])
def test_two_strong_views_are_independent(cls):
    images = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype="uint8")
    views = list(cls.make_views(8)(images, tf.constant([0, 1])).values())
    assert np.abs(views[0].numpy() - views[1].numpy()).max() > 1


def tiny_dataset(images):
    labels = np.arange(12)
    data = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels})
    return data.batch(4, drop_remainder=True)


@pytest.mark.slow
def test_dicts_as_tfds_gives_them_are_taken_for_their_images(images):
    """In `fit`, `evaluate` and `predict`; the label is ignored."""
    of_dicts, of_arrays = tiny_model(), tiny_model()
    data = tiny_dataset(images)
    history = of_dicts.fit(data, validation_data=data, verbose=0).history
    expected = of_arrays.fit(
        images, batch_size=4, shuffle=False, validation_data=images, verbose=0
    ).history
    for name, values in expected.items():
        assert history[name] == pytest.approx(values), name
    features = of_arrays.predict(images, verbose=0)
    np.testing.assert_array_equal(of_dicts.predict(data, verbose=0), features)
    np.testing.assert_allclose(of_dicts({"image": images}), features, atol=1e-5)


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "__call__"])
def test_other_keys_are_named(images, call):
    data = {"photo": images, "label": np.zeros(12)}
    with pytest.raises(UsageError, match=r"key 'image'.*Received: photo, label"):
        getattr(tiny_model(), call)(data)


def test_an_image_without_a_batch_is_told_to_be_batched(images):
    data = tf.data.Dataset.from_tensor_slices(images)
    with pytest.raises(UsageError, match=r"16, 16, 3\), .*\.batch\(n\)"):
        tiny_model().fit(data, verbose=0)
