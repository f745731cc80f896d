"""The vision transformer against plain NumPy, its sizes and its exports."""

import itertools
import logging
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.config.backbone_table import POOLINGS
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.methods.build import build_model
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.models import backbones
from ressl_tf.models.backbones import vit
from ressl_tf.models.encoder import Encoder
from ressl_tf.models.step_draws import StepDropout, seeded
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import exporter, keras_file, saved_model
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.rebuild import rebuild, stock_norm, takes_any_size


def disturbed(network):
    """Let every number of a network matter."""
    generator = np.random.default_rng(0)
    for variable in network.variables:
        scale = 0.3 if variable.name != "kernel" else 0.1
        noise = scale * generator.normal(size=variable.shape)
        variable.assign(variable + noise)
    return network


@pytest.fixture
def shallow(monkeypatch):
    """Build networks of two blocks and two heads in which every number matters."""
    monkeypatch.setattr(vit, "DEPTH", 2)
    options = {"image_size": 12, "stem": "small", "width": 1 / 3}
    return disturbed(backbones.build("vit_small", **options))


@pytest.fixture(scope="module")
def poolings():
    """Return a network for each pooling, for images of any size; positions of 12 px."""
    options = {"position_size": 12, "patch_size": 4, "width": 2 / 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vit, "DEPTH", 2)
        return {
            name: disturbed(backbones.build("vit_tiny", vit_pooling=name, **options))
            for name in POOLINGS
        }


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


KEPT = {"block1": (1, 1), "block2": (1, 1)}  # factors on both branches of each block


def features(network, image, patch=4, pooling="mean", kept=KEPT):
    layer = network.get_layer
    kernel, positions, *token = (v.numpy() for v in layer("patches").variables)
    tokens = [row for rows in token for row in rows]
    for row in range(image.shape[0] // patch):
        for column in range(image.shape[1] // patch):
            y, x = row * patch, column * patch
            cut = image[y : y + patch, x : x + patch]
            token = np.tensordot(cut, kernel, axes=3) + positions[row, column]
            tokens.append(token)
    x = np.stack(tokens)
    for block, (first, second) in kept.items():
        y = norm(x, layer(f"{block}_norm1"))
        x = x + first * attention(y, layer(f"{block}_attention"))
        y = norm(x, layer(f"{block}_norm2"))
        for dense in (layer(f"{block}_dense1"), layer(f"{block}_dense2")):
            y = y @ dense.kernel.numpy() + dense.bias.numpy()
            y = gelu(y) if dense.units > 128 else y
        x = x + second * y
    if pooling == "mean_norm":
        return norm(x[1:].mean(0), layer("fc_norm"))
    x = norm(x, layer("norm"))
    return x[0] if pooling == "token" else x.mean(0)


def test_features_equal_a_numpy_forward_pass(shallow):
    images = np.random.default_rng(1).normal(size=(2, 12, 12, 3)).astype("float32")
    expected = np.stack([features(shallow, image) for image in images])
    assert expected.shape == (2, 128)
    for training in (False, True):  # nothing depends on the batch, or is dropped
        made = shallow(images, training=training)
        np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_each_pooling_equals_a_numpy_forward_pass(poolings, pooling):
    images = np.random.default_rng(1).normal(size=(2, 12, 12, 3)).astype("float32")
    network = poolings[pooling]
    expected = [features(network, image, pooling=pooling) for image in images]
    np.testing.assert_allclose(network(images), expected, rtol=1e-3, atol=1e-4)


def test_stochastic_depth_skips_branches_of_samples(shallow, monkeypatch):
    """Half of the second block's branches are skipped, the others count double."""
    options = {"image_size": 12, "stem": "small", "width": 1 / 3, "drop_path": 0.5}
    dropping = backbones.build("vit_small", **options)
    rates = [layer.rate for layer in dropping.layers if isinstance(layer, StepDropout)]
    assert rates == [0.5, 0.5]  # 0, which needs no layer, and 0.5
    dropping.set_weights(shallow.get_weights())
    image = np.random.default_rng(1).normal(size=(12, 12, 3)).astype("float32")
    images = np.stack([image] * 40)
    possible = [
        features(shallow, image, kept={"block1": (1, 1), "block2": kept})
        for kept in itertools.product((0, 2), repeat=2)
    ]
    with seeded(tf.constant([0, 1])):
        made = dropping(images, training=True)
    errors = abs(made[:, None] - np.stack(possible)).numpy().max(-1)
    assert errors.min(1).max() < 1e-3
    assert set(errors.argmin(1)) == {0, 1, 2, 3}
    for training in (False, True):  # in the target, and in evaluation
        plain = dropping(images, training=training)
        np.testing.assert_array_equal(plain, shallow(images, training=training))


def test_stochastic_depth_is_of_convnext_and_grows_over_its_blocks():
    with pytest.raises(UsageError, match=r"--drop_path is of convnext_tiny, vit_tiny"):
        backbones.build("mobilenet_v2", drop_path=0.1)
    convnext = backbones.build("convnext_tiny", width=1 / 24, drop_path=0.34)
    dropping = [n for n in convnext.layers if isinstance(n, StepDropout)]
    rates = [layer.rate for layer in dropping]
    np.testing.assert_allclose(rates, 0.02 * np.arange(1, 18))  # the first has 0
    assert {layer.noise_shape for layer in dropping} == {(None, 1, 1, 1)}
    assert len({layer.name for layer in dropping}) == 17


@pytest.mark.parametrize(("name", "sizes"), vit.SIZES.items())
def test_sizes_are_those_of_deit(name, sizes, monkeypatch):
    monkeypatch.setattr(vit, "DEPTH", 1)
    network = backbones.build(name, position_size=28, patch_size=14)
    attention = network.get_layer("block1_attention")
    assert network.output_shape == (None, sizes[0])
    assert (attention.num_heads, attention.key_dim) == (sizes[1], 64)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"image_size": None}, "Received: None"),
        ({"image_size": 30, "stem": "small"}, "multiples of 4; .*Received: 30"),
        ({"image_size": 40}, "multiples of 16; .*Received: 40"),
        ({"image_size": 32, "patch_size": 14}, "multiples of 14; .*Received: 32"),
        (
            {"image_size": 30, "position_size": 32, "patch_size": 8},
            "multiples of 8; .*Received: 30",
        ),
        ({"image_size": 32, "drop_path": 1.0}, "below 1. Received: 1.0"),
        ({"image_size": 32, "drop_path": -0.1}, "below 1. Received: -0.1"),
        ({"image_size": 32, "vit_pooling": "max"}, "mean_norm. Received: max"),
        ({"image_size": 32, "stem": "small", "patch_size": 4}, "give one. Received: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, received):
    with pytest.raises(UsageError, match=received) as error:
        backbones.build("vit_small", **options)
    assert "\n" not in str(error.value)


def test_crops_of_several_sizes_are_whole_patches(monkeypatch):
    monkeypatch.setattr(vit, "DEPTH", 1)
    flags = {"method": "ressl_multicrop", "backbone": "vit_small", "stem": "small"}
    flags |= {"width": 1 / 6, "hidden_dim": 8, "queue_size": 8, "image_size": 32}
    with pytest.raises(UsageError, match=r"--crop_sizes.*multiples of 4;.*ived: 27"):
        build_model(Config(**flags))
    model = build_model(Config(**flags, crop_sizes=(32, 24, 16)))
    assert model.online.backbone.get_layer("patches").side == 8
    crops = [np.zeros((2, side, side, 3), "uint8") for side in (32, 24, 16)]
    assert [model.embed(crop).shape for crop in crops] == [(2, 128)] * 3


def test_a_model_of_its_name_has_the_size_of_the_views(shallow, monkeypatch):
    built = []

    def build(name, **options):
        built.append({"name": name, **options})
        return vit.vit(name, **options, width=1 / 3)

    monkeypatch.setattr(backbones, "build", build)
    model = ReSSL("vit_small", image_size=16, hidden_dim=8, queue_size=8)
    wanted = {"name": "vit_small", "image_size": 16, "stem": "small", "channels": 3}
    wanted["position_size"] = 16
    assert built == [wanted]
    assert model(np.zeros((2, 16, 16, 3), "uint8")).shape == (2, 128)


def of_earlier_versions(network):
    """Return the network as it was before positions were interpolated."""
    encoder = Encoder(network, None, (0.5,) * 3, (0.25,) * 3)
    backbone = rebuild(encoder, network.input_shape[1], stock_norm).backbone
    assert {type(layer).__module__.split(".")[0] for layer in backbone.layers} == {
        "keras"
    }
    return backbone


def test_one_of_an_earlier_version_is_not_copied_for_another_size(shallow):
    former = of_earlier_versions(shallow)
    encoder = Encoder(former, None, (0.5,) * 3, (0.25,) * 3)
    assert takes_any_size(shallow)
    assert not takes_any_size(shallow, stock=True)
    assert not takes_any_size(former)
    assert not takes_any_size(keras.Sequential([former]))
    for size in (None, 16):
        with pytest.raises(UsageError, match=r"vit_small.*\(12, 12\)") as error:
            rebuild(encoder, size)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_stock_layers_of_another_size_make_the_same(poolings, pooling):
    encoder = Encoder(poolings[pooling], None, (0.5,) * 3, (0.25,) * 3)
    images = np.random.default_rng(1).uniform(0, 255, (2, 24, 24, 3)).astype("float32")
    stock = keras_file.stock_model(encoder, 24, ("features",))
    np.testing.assert_allclose(stock(images), encoder(images), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["saved_model", "keras"])
def test_an_export_takes_other_sizes(shallow, form, tmp_path, caplog):
    images = np.random.default_rng(1).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    encoder = Encoder(shallow, None, (0.5,) * 3, (0.25,) * 3, name="online")
    about = {"image_size": 12, "config": {}}
    saved_model.save(rebuild(encoder, 12), tmp_path / "source", about)

    def exported(name, **options):
        config = ExportConfig(
            model=str(tmp_path / "source"),
            output=str(tmp_path / name),
            format=form,
            **options,
        )
        return exporter.export(config)

    with pytest.raises(UsageError, match=r"multiples of 4;.*Received: 18"):
        exported("none", image_size=18)
    at_16 = open_pretrained(exported("other", image_size=16)["path"]).encoder
    wanted = rebuild(encoder, None).features(images)
    np.testing.assert_allclose(at_16.features(images), wanted, rtol=1e-4, atol=1e-5)
    with caplog.at_level(logging.INFO, "ressl_tf"):
        result = exported("own")
    assert result["image_size"] == (12 if form == "keras" else None)
    assert ("images of 12 x 12 pixels alone" in caplog.text) == (form == "keras")
    opened = open_pretrained(result["path"]).encoder
    at_12 = images[:, :12, :12]
    np.testing.assert_allclose(
        opened.features(at_12), encoder(at_12), rtol=1e-4, atol=1e-5
    )
