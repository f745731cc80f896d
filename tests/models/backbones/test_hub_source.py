"""Networks of keras-hub; its own are built where it is installed."""

import types

import keras
import numpy as np
import pytest

from ressl_tf.models.backbones import hub_source, own_source
from ressl_tf.runtime.errors import UsageError


def load(name, weights=False, channels=3):
    return own_source.load(name, image_size=32, channels=channels, weights=weights)


def tokens(name, load_weights, image_shape):
    images = keras.Input(image_shape)
    patches = keras.layers.Conv2D(5, 8, 8)(images)
    return keras.Model(images, keras.layers.Reshape((16, 5))(patches))


def unreachable(name, load_weights, image_shape):
    raise OSError("Max retries exceeded with url: /v1")


@pytest.fixture
def presets(monkeypatch):
    """Stand in for the library: two presets, one of which cannot be fetched."""
    makers = {"tokens": tokens, "far": unreachable}

    def from_preset(name, **options):
        return makers[name](name, **options)

    backbone = types.SimpleNamespace(presets=makers, from_preset=from_preset)
    models = types.SimpleNamespace(Backbone=backbone)
    monkeypatch.setattr(
        hub_source, "library", lambda: types.SimpleNamespace(models=models)
    )


def test_tokens_are_averaged(presets):
    made = load("hub:tokens", channels=2)
    images = np.random.default_rng(0).normal(size=(3, 32, 32, 2)).astype("float32")
    patches = np.asarray(made.layers[1](images))
    np.testing.assert_allclose(made(images), patches.mean((1, 2)), atol=1e-6)


def test_a_preset_that_is_unknown_or_far_is_refused(presets):
    with pytest.raises(UsageError, match=r"no preset of this name.*tokens.*hub:token$"):
        load("hub:token")
    with pytest.raises(UsageError, match=r"fetched from the network once.*Max retries"):
        load("hub:far", weights=True)


def test_without_the_library_it_says_what_installs_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(hub_source.importlib, "import_module", absent)
    with pytest.raises(UsageError, match=r"needs keras-hub: pip install 'ressl_tf\[h"):
        load("hub:resnet_18_imagenet")


@pytest.mark.slow
def test_a_folder_brings_its_weights(tmp_path):
    library = pytest.importorskip("keras_hub")
    small = library.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=8,
    )
    small.save_to_preset(str(tmp_path))
    images = np.zeros((2, 32, 32, 3), "float32")
    made, anew = (load(f"hub:{tmp_path}", weights=own) for own in (True, False))
    wanted = np.asarray(small(images)).mean(1)
    np.testing.assert_allclose(made(images), wanted, atol=1e-5)
    assert np.abs(np.asarray(anew(images)) - wanted).max() > 1e-3
