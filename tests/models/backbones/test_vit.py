"""The vision transformer against plain NumPy, its sizes and its exports."""

import logging
import math

import keras
import numpy as np
import pytest

from ressl_tf.config import Config
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.methods.build import build_model
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.models import backbones
from ressl_tf.models.backbones import vit
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import exporter, saved_model
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.rebuild import rebuild, takes_any_size


@pytest.fixture
def shallow(monkeypatch):
    """Build networks of two blocks and two heads in which every number matters."""
    monkeypatch.setattr(vit, "DEPTH", 2)
    network = backbones.build("vit_small", image_size=12, stem="small", width=1 / 3)
    generator = np.random.default_rng(0)
    for variable in network.variables:
        scale = 0.3 if variable.name != "kernel" else 0.1
        noise = scale * generator.normal(size=variable.shape)
        variable.assign(variable + noise)
    return network


def norm(x, layer):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    return x * layer.gamma.numpy() + layer.beta.numpy()


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def attention(x, layer):
    """Attend with each head by itself; x: [tokens, dim]."""
    weights = {v.path.split("/", 1)[1]: v.numpy() for v in layer.variables}
    made = np.zeros_like(x) + weights["attention_output/bias"]
    for head in range(layer.num_heads):
        q, k, v = (
            x @ weights[f"{part}/kernel"][:, head] + weights[f"{part}/bias"][head]
            for part in ("query", "key", "value")
        )
        mixed = softmax(q @ k.T / math.sqrt(q.shape[1])) @ v
        made += mixed @ weights["attention_output/kernel"][head]
    return made


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def features(network, image, patch=4):
    layer = network.get_layer
    kernel, positions = (v.numpy() for v in layer("patches").variables)
    tokens = []
    for row in range(image.shape[0] // patch):
        for column in range(image.shape[1] // patch):
            y, x = row * patch, column * patch
            cut = image[y : y + patch, x : x + patch]
            token = np.tensordot(cut, kernel, axes=3) + positions[row, column]
            tokens.append(token)
    x = np.stack(tokens)
    for block in ("block1", "block2"):
        y = norm(x, layer(f"{block}_norm1"))
        x = x + attention(y, layer(f"{block}_attention"))
        y = norm(x, layer(f"{block}_norm2"))
        for dense in (layer(f"{block}_dense1"), layer(f"{block}_dense2")):
            y = y @ dense.kernel.numpy() + dense.bias.numpy()
            y = gelu(y) if dense.units > 128 else y
        x = x + y
    return norm(x, layer("norm")).mean(0)


def test_features_equal_a_numpy_forward_pass(shallow):
    images = np.random.default_rng(1).normal(size=(2, 12, 12, 3)).astype("float32")
    expected = np.stack([features(shallow, image) for image in images])
    assert expected.shape == (2, 128)
    for training in (False, True):  # nothing depends on the batch, or is dropped
        made = shallow(images, training=training)
        np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"image_size": None}, "image_size=None"),
        ({"image_size": 30, "stem": "small"}, "multiple of 4. Received: image_size=30"),
        ({"image_size": 40}, "multiple of 16. Received: image_size=40"),
    ],
)
def test_positions_need_one_size_of_whole_patches(options, received):
    with pytest.raises(UsageError, match=received) as error:
        backbones.build("vit_small", **options)
    assert "\n" not in str(error.value)


def test_views_of_several_sizes_are_refused():
    config = Config(method="ressl_multicrop", backbone="vit_small", image_size=32)
    with pytest.raises(UsageError, match="must all have one size"):
        build_model(config)


def test_a_model_of_its_name_has_the_size_of_the_views(shallow, monkeypatch):
    built = []

    def build(name, **options):
        built.append({"name": name, **options})
        return vit.vit(name, **options, width=1 / 3)

    monkeypatch.setattr(backbones, "build", build)
    model = ReSSL("vit_small", image_size=16, hidden_dim=8, queue_size=8)
    wanted = {"name": "vit_small", "image_size": 16, "stem": "small", "channels": 3}
    assert built == [wanted]
    assert model(np.zeros((2, 16, 16, 3), "uint8")).shape == (2, 128)


def test_it_is_not_copied_for_another_size(shallow):
    encoder = Encoder(shallow, None, (0.5,) * 3, (0.25,) * 3)
    assert not takes_any_size(shallow)
    assert not takes_any_size(keras.Sequential([shallow]))
    for size in (None, 16):
        with pytest.raises(UsageError, match=r"vit_small.*\(12, 12\)") as error:
            rebuild(encoder, size)
        assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["saved_model", "keras"])
def test_an_export_is_fixed_at_its_size(shallow, form, tmp_path, caplog):
    images = np.random.default_rng(1).uniform(0, 255, (2, 12, 12, 3)).astype("float32")
    encoder = Encoder(shallow, None, (0.5,) * 3, (0.25,) * 3, name="online")
    about = {"image_size": 12, "config": {}}
    saved_model.save(rebuild(encoder, 12), tmp_path / "source", about)
    config = ExportConfig(
        model=str(tmp_path / "source"), output=str(tmp_path / "out"), format=form
    )
    with caplog.at_level(logging.INFO, "ressl_tf"):
        result = exporter.export(config)
    assert result["image_size"] == 12
    assert "takes images of 12 x 12 pixels alone" in caplog.text
    opened = open_pretrained(result["path"]).encoder
    np.testing.assert_allclose(
        opened.features(images), encoder(images), rtol=1e-4, atol=1e-5
    )
