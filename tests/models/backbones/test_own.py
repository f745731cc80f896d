"""A user's own networks as backbones: each works, or ends in one line."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.methods.ressl_multicrop import ReSSLMultiCrop
from ressl_tf.models.backbones import own
from ressl_tf.models.backbones.applications import application
from ressl_tf.runtime.errors import UsageError

L = keras.layers


class Half(L.Layer):
    """A layer that is not registered with Keras."""

    def call(self, x):
        return x * 0.5


class Net(keras.Model):
    """A subclassed model whose arguments Keras knows."""

    def __init__(self, width=8, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.conv, self.pool = L.Conv2D(width, 3, 2), L.GlobalAveragePooling2D()

    def call(self, x, training=False):
        return self.pool(self.conv(x))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


class Closed(keras.Model):
    """One whose __init__ takes nothing, as in many tutorials."""

    def __init__(self):
        super().__init__()
        self.pool = L.GlobalAveragePooling2D()

    def call(self, x):
        return self.pool(x)


def swish(x):
    return x * keras.ops.sigmoid(x)


def image(side=16):
    return keras.Input((side, side, 3))


def sequential(*layers, side=16):
    return keras.Sequential([image(side), *layers])


def tail():
    return L.Conv2D(8, 3, 2), L.GlobalAveragePooling2D()


def functional(inputs, outputs):
    x = image()
    return keras.Model(inputs(x), outputs(L.GlobalAveragePooling2D()(x)))


WORKING = {
    "lists of one": lambda: functional(lambda x: [x], lambda y: [y]),
    "dicts of one": lambda: functional(lambda x: {x.name: x}, lambda y: {"y": y}),
    "a list of one map": lambda: keras.Model(x := image(), [L.Conv2D(8, 3, 2)(x)]),
    "a feature map": lambda: sequential(L.Conv2D(8, 3, 2)),
    "a subclass": Net,
    "a layer that is not registered": lambda: sequential(Half(), *tail()),
    "a Lambda": lambda: sequential(L.Lambda(lambda t: t * 0.5), *tail()),
    "a function": lambda: sequential(L.Conv2D(8, 3, activation=swish), *tail()),
    "no input": lambda: keras.Sequential([*tail()]),
    "any size": lambda: sequential(*tail(), side=None),
    "a layer": lambda: L.GlobalAveragePooling2D(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKING)
def test_it_trains_is_followed_by_its_target_and_opens_again(images, tmp_path, name):
    backbone = WORKING[name]()
    model = tiny_model(backbone=backbone, momentum=0.0)
    before = [v.numpy() for v in model.online.variables]
    model.fit(images, batch_size=4, verbose=0)
    assert any(
        np.any(b != v) for b, v in zip(before, model.online.variables, strict=True)
    )
    model.fit(images, batch_size=12, verbose=0)  # a momentum of 0 copies, one step late
    features = model.predict(images, verbose=0)
    assert features.shape == (12, model.online.feature_dim)
    model.save(tmp_path / "model.keras")
    known = {"Half": Half, "Net": Net, "swish": swish}
    loaded = keras.saving.load_model(
        tmp_path / "model.keras", custom_objects=known, safe_mode=False
    )
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), features)
    assert {id(v) for v in backbone.variables} <= {id(v) for v in model.variables}


def test_a_feature_map_is_pooled_to_its_mean(images):
    backbone = sequential(L.Conv2D(8, 3, 2))
    model = tiny_model(backbone=backbone)
    mean, std = np.array(model.online.mean), np.array(model.online.std)
    normal = ((images / 255 - mean) / std).astype("float32")
    expected = backbone(normal).numpy().mean((1, 2))
    np.testing.assert_allclose(model(images), expected, atol=1e-5)


@keras.saving.register_keras_serializable(package="test")
class Scaled(L.Layer):
    """A layer that computes on an array, which is no config."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def call(self, x):
        return x * self.by


def two_outputs():
    x = image()
    return keras.Model(x, [L.Conv2D(8, 3)(x), L.GlobalAveragePooling2D()(x)])


REFUSED = {
    "a class": (
        lambda: keras.applications.ResNet50,
        r"weights=None\)\. Rec.*: ResNet50",
    ),
    "a number": (lambda: 3, "a Keras model from images to features.*Received: 3"),
    "an unknown name": (lambda: "resnet19", "must be one of resnet18.*: resnet19"),
    "another size": (
        lambda: sequential(*tail(), side=32),
        r"takes images of 32 x 32 alone.* sides of 16: give the same image_size",
    ),
    "grey": (lambda: keras.Sequential([keras.Input((16, 16, 1)), *tail()]), "16, 1"),
    "vectors": (
        lambda: keras.Sequential([keras.Input((3,)), L.Dense(3)]),
        "must take images",
    ),
    "tokens": (
        lambda: sequential(L.Conv2D(8, 8, 8), L.Reshape((4, 8))),
        r"GlobalAveragePooling1D\(\).*returns \(None, 4, 8\)",
    ),
    "two outputs": (two_outputs, "picks one output"),
    "any length": (lambda: sequential(L.Flatten(), side=None), "of a known length"),
    "broken": (
        lambda: keras.Sequential([L.Conv3D(8, 3)]),
        r"cannot be called on images \[batch, 16, 16, 3\]: Input 0.*min_ndim=5",
    ),
    "closed": (Closed, r"unexpected keyword.*'trainable' - let each class.*\*\*kwargs"),
    "no config": (
        lambda: sequential(Scaled(np.ones(3)), *tail()),
        r"cannot be copied for the target.*must override `get_config\(\)`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_backbone_is_told_what_to_do(name):
    make, message = REFUSED[name]
    with pytest.raises(UsageError, match=message) as caught:
        tiny_model(backbone=make())
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_crops_of_several_sizes_need_a_backbone_for_any():
    with pytest.raises(UsageError, match=r"sides of 10, 16: .*None, None, channels"):
        ReSSLMultiCrop(
            sequential(*tail()),
            views=ReSSLMultiCrop.make_views(16, crop_sizes=(16, 10)),
            image_size=16,
        )


def normalizing():
    return keras.Sequential(
        [
            image(),
            L.Rescaling(1 / 255),
            L.Normalization(mean=0.5, variance=0.04),
            *tail(),
        ]
    )


RAW = {"mean": (0, 0, 0), "std": (1 / 255,) * 3}


@pytest.mark.parametrize(
    ("make", "options", "warned"),
    [
        (normalizing, {}, True),
        (lambda: keras.Sequential([image(), normalizing()]), {}, True),
        (normalizing, RAW, False),
        (lambda: sequential(*tail()), {}, False),
        (lambda: sequential(L.Conv2D(8, 3), L.Rescaling(2.0), *tail()), {}, False),
        (lambda: application("efficientnet_b0", width=0.1), {}, False),
    ],
)
def test_a_second_normalisation_is_said_once(caplog, make, options, warned):
    own._warn_once.cache_clear()
    backbone = make()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        for _ in range(2):
            tiny_model(backbone=backbone, **options)
    said = [r.getMessage() for r in caplog.records if "normalises images" in r.message]
    assert len(said) == warned
    assert all("include_preprocessing=False" in message for message in said)


def test_raw_images_reach_a_backbone_that_normalises_by_mean_and_std(images):
    """What the warning advises: the backbone gets 0..255."""
    seen = sequential(L.GlobalAveragePooling2D())
    features = tiny_model(backbone=seen, **RAW)(images)
    expected = tf.cast(images, tf.float32).numpy().mean((1, 2))
    np.testing.assert_allclose(features, expected, rtol=1e-5)
