"""The networks of keras.applications: Keras's function, our batch normalisation."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import crops
from keras.src.applications.convnext import ConvNeXt

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.engine.optimizers import SGD
from ressl_tf.evaluate.fine_tuning import block_depths
from ressl_tf.methods.ressl import ReSSL
from ressl_tf.models import backbones
from ressl_tf.models.backbones.batch_norm import BatchNormalization
from ressl_tf.models.backbones.flops import multiply_adds
from ressl_tf.models.classifier import Classifier
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import exporter, saved_model
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.rebuild import rebuild

APPLICATIONS = [
    name for name in backbones.NAMES if not name.startswith(("resnet", "vit"))
]
LIGHT = "mobilenet_v3_small"  # the quickest to build
slow = pytest.mark.slow
every_network = pytest.mark.parametrize(
    "name",
    [LIGHT] + [pytest.param(n, marks=slow) for n in APPLICATIONS if n != LIGHT],
)


@pytest.fixture(scope="module")
def light():
    keras.utils.set_random_seed(3)
    return backbones.build(
        LIGHT, image_size=32, stem="small", width=0.25, batch_norm="split"
    )


def stock(name, size):
    """Return Keras's own network, narrow, that normalises nothing."""
    options = {"include_top": False, "weights": None, "pooling": "avg"}
    options["input_shape"] = (size, size, 3)
    if name == "convnext_tiny":
        dims = [24, 48, 96, 192]
        return ConvNeXt((3, 3, 9, 3), dims, include_preprocessing=False, **options)
    if name.startswith("efficientnet"):
        return getattr(keras.applications, f"EfficientNet{name[-2:].upper()}")(
            **options
        )
    if name == "mobilenet_v2":
        return keras.applications.MobileNetV2(alpha=0.25, **options)
    kind = name.rpartition("_")[2].capitalize()
    make = getattr(keras.applications, f"MobileNetV3{kind}")
    return make(alpha=0.25, include_preprocessing=False, **options)


def weights(model):
    """Return all weights but those of layers that normalise the images."""
    return [
        variable
        for layer in model.layers
        if not isinstance(layer, keras.layers.Normalization)
        for variable in layer.variables
        if "seed" not in variable.path
    ]


def randomise(model, variance=0.3):
    """Set statistics as of a batch, and scales large enough for all layers to count."""
    generator = np.random.default_rng(0)
    for variable in model.variables:
        noise = generator.uniform(0.5, 1.5, variable.shape)
        if variable.name == "moving_variance":
            variable.assign(variance * noise)
        elif variable.name in ("gamma", "variable") or "layer_scale" in variable.path:
            variable.assign(noise)
        elif variable.name in ("beta", "moving_mean"):
            variable.assign(0.2 * (noise - 1))


@every_network
def test_features_are_those_of_keras(name):
    """60 px give odd maps, where the padding differs; ConvNeXt's stems cut there."""
    size = 64 if name == "convnext_tiny" else 60
    deep = name.startswith("efficientnet")
    width = 1.0 if deep else 0.25
    keras.utils.set_random_seed(0)  # some kernels amplify rounding a millionfold
    ours = backbones.build(name, image_size=size, width=width)
    theirs = stock(name, size)
    # EfficientNet's gates turn at what .3 amplifies; at 1 little is left of the images.
    randomise(ours, 1.0 if deep else 0.3)
    pairs = zip(weights(theirs), weights(ours), strict=True)
    for theirs_variable, variable in pairs:
        values = variable.numpy().reshape(theirs_variable.shape)  # depthwise kernels
        theirs_variable.assign(values)
    images = np.random.default_rng(1).normal(size=(2, size, size, 3)).astype("float32")
    expected = theirs((255 if deep else 1) * images, training=False).numpy()
    of_images = np.ptp(expected, axis=0).max()
    assert of_images > 1e-3 * np.abs(expected).max() > 0
    tolerance = 1e-2 * of_images if deep else 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(ours(images), expected, rtol=0, atol=tolerance)


def test_batch_normalisation_is_ours_and_nothing_else_draws_or_normalises(light):
    kinds = {type(layer) for layer in light.layers}
    assert keras.layers.BatchNormalization not in kinds
    assert not kinds & {keras.layers.Rescaling, keras.layers.Dropout}
    norms = [la for la in light.layers if isinstance(la, BatchNormalization)]
    assert len(norms) == 34
    settings = {(n.scope, n.epsilon, n.momentum) for n in norms}
    assert settings == {("split", 1e-3, 0.9)}
    assert len(light.variables) == len(weights(light))  # no state of a generator


def feature_map(model):
    return [la.output.shape for la in model.layers if len(la.output.shape) == 4][-1]


def test_the_small_stem_has_stride_8(light):
    assert feature_map(light)[1:3] == (4, 4)


@slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_stems_change_the_stride_of_the_feature_map(name):
    for stem, side in (("small_maxpool", 4), ("small", 8)):  # "standard" is Keras's
        model = backbones.build(name, image_size=64, stem=stem, width=0.125)
        assert feature_map(model)[1:3] == (side, side)


def test_kernels_start_apart_and_as_large_as_efficientnets(light):
    first, second = (light.get_layer(f"block_{i}_expand").kernel for i in (4, 5))
    assert first.shape == second.shape
    assert np.abs(first.numpy() - second.numpy()).max() > 0.1
    assert np.std(first) == pytest.approx(math.sqrt(2 / first.shape[-1]), rel=0.1)


@slow
def test_weights_follow_the_seed(light):
    keras.utils.set_random_seed(3)
    again = backbones.build(LIGHT, image_size=32, stem="small", width=0.25)
    for one, other in zip(light.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def blocks(backbone):
    """Return names of the layers with weights, block by block from the images on."""
    encoder = Encoder(backbone, None, (0.5,) * 3, (0.25,) * 3)
    depths = block_depths(Classifier(encoder, 3))
    found = {}
    for layer in backbone.layers:
        for variable in layer.variables:
            found.setdefault(depths[id(variable)], set()).add(layer.name)
    assert list(found) == sorted(found, reverse=True)
    return list(found.values())


def test_fine_tuning_finds_the_blocks(light):
    """Each inverted residual block is one, as a ResNet's stage is."""
    conv, norm, *inverted, last = blocks(light)
    assert (conv, norm, last) == ({"conv"}, {"conv_bn"}, {"conv_1", "conv_1_bn"})
    for index, names in enumerate(inverted):
        assert {name.split("_")[1] for name in names} == {str(index)}
    assert index == 10


@slow
@pytest.mark.parametrize(
    ("name", "count", "some"),
    [
        ("mobilenet_v2", 20, {"block_0_depthwise", "block_0_project"}),
        ("efficientnet_b0", 11, {"block2a_expand_conv", "block2b_project_bn"}),
        ("convnext_tiny", 10, {"downsampling_1_conv", "downsampling_1_layernorm"}),
        ("vit_small", 14, {"block12_norm1", "block12_dense2"}),
    ],
)
def test_fine_tuning_finds_the_blocks_of_others(name, count, some):
    found = blocks(backbones.build(name, image_size=32, width=0.125))
    assert len(found) == count
    assert any(some <= names for names in found)


@pytest.mark.parametrize("name", ["mobilenet_v2", "vit_small"])
def test_the_wider_padding_of_solo_learn_is_of_resnets(name):
    with pytest.raises(UsageError, match=rf"small_pad2.*Received: --backbone={name}"):
        backbones.build(name, stem="small_pad2")


def test_zero_scales_are_refused():
    said = r"of resnet18, .*Received: .*--backbone=mobilenet_v2"
    with pytest.raises(UsageError, match=said):
        backbones.build("mobilenet_v2", zero_init_gamma=True)


# Parameters: torchvision's (ViT: timm's DeiT-S) less those of the classifier. Multiply-
# adds in units of 1e9: torchvision's tables (ViT: DeiT's), classifier included.
PUBLISHED = {
    "resnet50": (25_557_032 - 2_049_000, 4.09),
    "resnet101": (44_549_160 - 2_049_000, 7.80),
    "efficientnet_b0": (5_288_548 - 1_281_000, 0.39),
    "mobilenet_v2": (3_504_872 - 1_281_000, 0.30),
    "mobilenet_v3_small": (2_542_856 - 577 * 1024 - 1_025_000, 0.06),
    "mobilenet_v3_large": (5_483_032 - 961 * 1280 - 1_281_000, 0.22),
    "convnext_tiny": (28_589_128 - 769_000, 4.46),
    # Without class token and its position, and the bias that positions make up for.
    "vit_small": (22_050_664 - 385_000 - 3 * 384, 4.6),
}


@slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_cost_are_as_published(name):
    parameters, cost = PUBLISHED[name]
    model = backbones.build(name, image_size=224)
    counts = [math.prod(v.shape) for v in model.trainable_variables]
    assert sum(counts) == parameters
    classifier = 1000 * model.output_shape[-1]
    counted = (multiply_adds(model, 224) + classifier) / 1e9
    assert counted == pytest.approx(cost, abs=0.03 if cost > 4.5 else 0.006)


class Recorder(SGD):
    """SGD that keeps the gradients of the last step."""

    def apply(self, gradients, variables):
        self.seen = {v.path: g for g, v in zip(gradients, variables, strict=True)}
        return super().apply(gradients, variables)


@slow
@pytest.mark.parametrize("name", [*APPLICATIONS, "vit_small"])
def test_a_step_trains_every_variable_and_moves_the_target(name):
    keras.utils.set_random_seed(1)
    backbone = backbones.build(name, image_size=32, stem="small", width=0.125)
    views = Views({"strong": weak_view(32), "weak": weak_view(32)})
    assert crops().names == views.names
    model = ReSSL(
        backbone,
        image_size=32,
        hidden_dim=8,
        embedding_dim=6,
        queue_size=10,
        momentum=0.5,
        views=views,
    )
    model.compile(Recorder(0.1))
    model.optimizer.build(model.trainable_variables)
    images = np.random.default_rng(0).uniform(0, 255, (8, 40, 40, 3)).astype("float32")
    before = [v.numpy() for v in model.target.variables]
    trained = [v.trainable for v in model.online.variables]
    for _ in range(2):
        logs = model.train_step(tf.constant(images))
    assert math.isfinite(logs["loss"])
    for path, gradient in model.optimizer.seen.items():
        assert gradient is not None, path
        assert np.all(np.isfinite(gradient)), path
        # The keys' bias adds the same to a whole row of a softmax: 0 but for rounding.
        assert np.any(gradient) or path.endswith("key/bias"), path
    still = [
        variable.path
        for variable, value, moves in zip(
            model.target.variables, before, trained, strict=True
        )
        if moves and np.array_equal(variable, value)
    ]
    assert still == []


@slow
@pytest.mark.parametrize("form", ["saved_model", "keras"])
@pytest.mark.parametrize("name", ["efficientnet_b0", "convnext_tiny"])
def test_exports_take_any_size_and_open_again(name, form, tmp_path):
    options = {"stem": "small", "width": 0.125, "batch_norm": "split"}
    encoder = Encoder(
        backbones.build(name, image_size=32, **options),
        None,
        (0.5,) * 3,
        (0.25,) * 3,
        name="online",
    )
    randomise(encoder.backbone)
    about = {"image_size": 32, "config": {}}
    source, output = str(tmp_path / "source"), str(tmp_path / "out")
    saved_model.save(rebuild(encoder, 32), source, about)
    result = exporter.export(ExportConfig(model=source, output=output, format=form))
    assert result["image_size"] is None
    opened = open_pretrained(result["path"]).encoder
    generator = np.random.default_rng(1)
    for size in (32, 48):
        images = generator.uniform(0, 255, (2, size, size, 3)).astype("float32")
        expected = rebuild(encoder, size)(images).numpy()
        tolerance = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(opened.features(images), expected, atol=tolerance)
