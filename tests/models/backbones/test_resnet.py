"""ResNets against a plain NumPy forward pass and torchvision's parameter counts."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.models import backbones
from ressl_tf.models.backbones.resnet import BLOCKS, resnet
from ressl_tf.runtime.errors import UsageError


def conv(x, kernel, stride):
    """Cross-correlate, padded by kernel // 2 on every side, as PyTorch does it."""
    size = kernel.shape[0]
    pad = size // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows[:, ::stride, ::stride], kernel)


def max_pool(x):
    """Pool 3x3 with stride 2 and padding 1 of minus infinity."""
    pad = ((0, 0), (1, 1), (1, 1), (0, 0))
    x = np.pad(x, pad, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return windows[:, ::2, ::2].max(axis=(-1, -2))


class Forward:
    """A forward pass over the weights of a model, by layer name."""

    def __init__(self, model):
        self.model = model

    def conv(self, x, name, stride=1):
        return conv(x, self.model.get_layer(name).kernel.numpy(), stride)

    def norm(self, x, name):
        layer = self.model.get_layer(name)
        scale = layer.gamma.numpy() / np.sqrt(layer.moving_variance.numpy() + 1e-5)
        return (x - layer.moving_mean.numpy()) * scale + layer.beta.numpy()

    def block(self, x, name, stride, strides):
        y = x
        for i, own in enumerate(strides, 1):
            y = self.norm(self.conv(y, f"{name}_conv{i}", own), f"{name}_bn{i}")
            y = np.maximum(y, 0) if i < len(strides) else y
        if any(la.name == f"{name}_downsample_0" for la in self.model.layers):
            x = self.conv(x, f"{name}_downsample_0", stride)
            x = self.norm(x, f"{name}_downsample_1")
        return np.maximum(x + y, 0)

    def __call__(self, x, name, stem):
        if stem == "small_pad2":
            x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = self.conv(x, "conv1", 2 if stem == "standard" else 1)
        x = np.maximum(self.norm(x, "bn1"), 0)
        x = max_pool(x) if stem in ("standard", "small_maxpool") else x
        kind, repeats = BLOCKS[name]
        for stage, repeat in enumerate(repeats):
            for index in range(repeat):
                stride = 2 if stage and not index else 1
                strides = (stride, 1) if kind == "basic" else (1, stride, 1)
                x = self.block(x, f"layer{stage + 1}_{index}", stride, strides)
        return x.mean(axis=(1, 2))


def randomise(model):
    generator = np.random.default_rng(0)
    for variable in model.variables:
        noise = generator.normal(size=variable.shape)
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(1 + 0.2 * np.abs(noise))
        elif variable.name in ("beta", "moving_mean"):
            variable.assign(0.2 * noise)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("resnet18", "standard"),
        ("resnet18", "small"),
        ("resnet18", "small_pad2"),
        ("resnet34", "small_maxpool"),
        ("resnet50", "standard"),
    ],
)
def test_forward_pass_equals_numpy(name, stem):
    """32 px through strided convolutions: one pixel of padding off would show."""
    model = resnet(name, stem=stem, width=1 / 16)
    randomise(model)
    x = np.random.default_rng(1).normal(size=(2, 32, 32, 3)).astype("float32")
    expected = Forward(model)(x, name, stem)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(model(x, training=False), expected, rtol=1e-3, atol=1e-4)


def test_a_network_of_8_channels_has_the_gradient_of_its_features():
    """There, oneDNN's gradient of a strided 1x1 convolution ends the process."""
    model = resnet("resnet18", stem="small", width=1 / 8)
    randomise(model)
    x = np.random.default_rng(1).normal(size=(8, 48, 48, 3)).astype("float32")
    kernel = model.get_layer("layer2_0_downsample_0").kernel
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x, training=False) ** 2)
    slope = tape.gradient(loss, kernel.value)
    before = kernel.numpy()
    losses = []
    for sign in (1, -1):
        kernel.assign(before + sign * 1e-2 * slope / tf.norm(slope))
        losses.append(float(tf.reduce_mean(model(x, training=False) ** 2)))
    measured = (losses[0] - losses[1]) / 2e-2
    assert measured == pytest.approx(float(tf.norm(slope)), rel=0.01)


@pytest.mark.parametrize(
    ("name", "parameters", "features"),
    [
        ("resnet18", 11_689_512 - 513_000, 512),
        ("resnet34", 21_797_672 - 513_000, 512),
        ("resnet50", 25_557_032 - 2_049_000, 2048),
        pytest.param("resnet101", 44_549_160 - 2_049_000, 2048, marks=pytest.mark.slow),
    ],
)
def test_parameter_counts_are_torchvisions_without_the_classifier(
    name, parameters, features
):
    model = resnet(name, image_size=224)
    counts = [math.prod(v.shape) for v in model.trainable_variables]
    assert sum(counts) == parameters
    assert model.output_shape == (None, features)


def test_convolutions_start_kaiming_normal_fan_out():
    keras.utils.set_random_seed(0)
    model = resnet("resnet18", image_size=32, stem="small")
    for name, fan_out in [("layer2_0_conv1", 9 * 128), ("layer4_1_conv2", 9 * 512)]:
        kernel = model.get_layer(name).kernel.numpy()
        assert kernel.std() == pytest.approx(math.sqrt(2 / fan_out), rel=0.01)
        # Normal, not truncated: 4.6 of a hundred thousand lie beyond 4 sigma.
        assert np.abs(kernel).max() > 4 * kernel.std()
    assert set(model.get_layer("layer1_0_bn2").gamma.numpy()) == {1.0}  # not zero-init


def test_width_scales_every_layer():
    model = resnet("resnet18", image_size=32, stem="small", width=0.5)
    assert model.get_layer("conv1").filters == 32
    assert model.output_shape == (None, 256)


def test_all_names_build_and_others_are_refused():
    assert {n for n in backbones.NAMES if n.startswith("resnet")} == set(BLOCKS)
    with pytest.raises(UsageError, match=r"vit_base\. Received: vgg"):
        backbones.build("vgg")


@pytest.mark.parametrize(("name", "last"), [("resnet18", "bn2"), ("resnet50", "bn3")])
def test_zero_init_makes_every_block_the_identity(name, last):
    model = resnet(name, width=1 / 16, zero_init_gamma=True)
    zeros = {v.path for v in model.trainable_variables if not np.any(v)}
    gammas = {path for path in zeros if "gamma" in path}
    blocks = sum(BLOCKS[name][1])
    assert len(gammas) == blocks
    assert all(f"_{last}/" in path for path in gammas)
