"""ConvNeXt, EfficientNets and MobileNets of timm become workdirs and files again."""

import hashlib
from importlib import util

import numpy as np
import pytest
from helpers import timm_forward_passes
from helpers.torch_states import MEAN, STD, imported

from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.models import backbones
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.pytorch import (
    convnext_names,
    from_torch,
    mbconv_names,
    same_features,
    timm_networks,
    to_torch,
    torch_file,
)
from ressl_tf.saving.pytorch.architecture import Architecture
from ressl_tf.saving.pytorch.families import find, state_of

# Of timm 1.0.31: the first digits of the SHA-256 hash of the sorted lines
# "name [shape]" of `timm.create_model(NAME, num_classes=0).state_dict()`, without the
# conv_head of a MobileNetV3; and how many lines there are.
TIMM = {
    "efficientnet_b0": (358, "30936e7bfc7d57e7"),
    "efficientnet_b1": (506, "a6764603fa5e414c"),
    "efficientnet_b2": (506, "92836ecbbdc9179c"),
    "efficientnet_b3": (572, "f098f0ba848e6617"),
    "mobilenet_v2": (312, "005801b1df201926"),
    "mobilenet_v3_small": (240, "99cdf0dc061a644f"),
    "mobilenet_v3_large": (308, "1a928fdee2912953"),
    "convnext_tiny": (180, "dbc0a4c0a908554d"),
}


def built(name, seed=0, **options):
    """Return a network whose every number matters."""
    network, generator = backbones.build(name, **options), np.random.default_rng(seed)
    for variable in network.variables:
        leaf = variable.path.rpartition("/")[2]
        if leaf in ("beta", "bias", "moving_mean"):
            variable.assign(generator.normal(0, 0.1, variable.shape))
        elif leaf in ("gamma", "moving_variance") or "layer_scale" in variable.path:
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return network


def copied(network, state, **options):
    other = backbones.build(network.name, **options)
    from_torch.load(other, state)
    return zip(network.variables, other.variables, strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_names_and_shapes_are_those_of_timm(name):
    state = state_of(backbones.build(name))
    lines = sorted(f"{key} {list(array.shape)}" for key, array in state.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (len(lines), digest[:16]) == TIMM[name]
    assert find(state).backbone == name


@pytest.mark.slow
@pytest.mark.parametrize("name", timm_forward_passes.NETWORKS)
def test_mbconv_features_equal_a_numpy_forward_pass_and_go_back(name):
    network = built(name, image_size=32, channels=2)
    state = state_of(network)
    images = np.random.default_rng(1).normal(size=(2, 2, 32, 32))
    expected = timm_forward_passes.mbconv(name, state, images)
    made = network(images.transpose(0, 2, 3, 1).astype("float32")).numpy()
    np.testing.assert_allclose(
        made / abs(expected).max(), expected / abs(expected).max(), rtol=0, atol=1e-4
    )
    assert find(state).channels == 2
    for one, other in copied(network, state, image_size=32, channels=2):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


@pytest.mark.slow
def test_convnext_features_equal_a_numpy_forward_pass_and_go_back():
    options = {"image_size": 64, "channels": 2, "width": 1 / 12}
    network = built("convnext_tiny", **options)
    state = state_of(network)
    images = np.random.default_rng(1).normal(size=(2, 2, 64, 64))
    expected = timm_forward_passes.convnext(state, images)
    made = network(images.transpose(0, 2, 3, 1).astype("float32"))
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-4)
    found = find(state)
    assert (found.backbone, found.width, found.channels) == ("convnext_tiny", 1 / 12, 2)
    for one, other in copied(network, state, **options):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


@pytest.mark.slow
def test_a_classifier_and_what_lies_before_it_are_left_out(tmp_path):
    network = built("mobilenet_v3_small")
    head = {"conv_head.weight": np.ones((4, 576, 1, 1), "float32")}
    head |= {"classifier.weight": np.ones((3, 4)), "classifier.bias": np.ones(3)}
    result = imported(state_of(network) | head, tmp_path / "run", image_size=32)
    assert result["layout"] == "timm"
    assert result["left_out"] == ["conv_head", "classifier"]
    opened = open_pretrained(str(tmp_path / "run")).encoder.backbone
    for one, other in zip(network.variables, opened.variables, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


@pytest.mark.slow
def test_a_run_is_written_in_timms_layout(tmp_path, monkeypatch):
    network = built("convnext_tiny", width=1 / 12)
    imported(state_of(network), tmp_path / "run", image_size=32)
    written = {}
    monkeypatch.setattr(torch_file, "write", lambda state, path: written.update(state))
    config = ConvertConfig(to="torch", workdir=str(tmp_path / "run"), output="x.pth")
    assert to_torch.export(config)["layout"] == "timm"
    assert {name for name in written if name.startswith("head.")} == {
        "head.norm.weight",
        "head.norm.bias",
    }
    for name, array in state_of(network).items():
        np.testing.assert_array_equal(written[name], array, err_msg=name)


@pytest.mark.slow
def test_the_call_that_makes_the_network_is_told():
    found = find(state_of(backbones.build("mobilenet_v2")))
    assert timm_networks.call(found, classes=5) == (
        "timm.create_model('mobilenetv2_100', pad_type='same', bn_eps=0.001, "
        "in_chans=3, num_classes=5)"
    )
    narrow = find(state_of(backbones.build("convnext_tiny", width=1 / 12)))
    assert "dims=[8, 16, 32, 64], in_chans=3" in timm_networks.call(narrow)


def conv_stem(shape=(16, 3, 3, 3)):
    return {mbconv_names.MARKER: np.ones(shape, "float32")}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (conv_stem((16, 3, 5, 5)), r"\[outputs, channels, 3, 3\].*\[16, 3, 5, 5\]"),
        (conv_stem(), r"mobilenet_v3_large \[15, 960\].*Received: \[0, 0\]"),
        (
            {convnext_names.MARKER: np.ones((96, 3, 4, 4), "float32")},
            r"\[3, 3, 9, 3\] blocks a stage.*Received: \[\]",
        ),
    ],
)
def test_what_is_none_of_ours_is_said(state, message):
    with pytest.raises(UsageError, match=message):
        find(state)


@pytest.mark.slow
def test_other_widths_of_a_mobilenet_are_refused():
    state = state_of(backbones.build("mobilenet_v3_small", width=0.5))
    with pytest.raises(UsageError, match=r"of width 1\. Received: \[11, 288\]"):
        find(state)


@pytest.mark.parametrize("missing", ["torch", "timm"])
def test_what_verify_needs_is_said(missing, monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: name != missing or None)
    found = Architecture("convnext_tiny", 1.0, "standard", 3)
    with pytest.raises(UsageError, match=f"{missing} is not installed: pip install"):
        timm_networks.features({}, np.zeros((1, 3, 8, 8), "float32"), found)


@pytest.mark.slow
@pytest.mark.skipif(not util.find_spec("timm"), reason="timm is not installed")
def test_timm_agrees_and_a_wrong_weight_is_found():
    network = built("convnext_tiny", image_size=32, width=1 / 12)
    encoder = Encoder(network, None, MEAN.tolist(), STD.tolist())
    state = state_of(network)
    assert same_features.largest_difference(encoder, state) < 1e-5
    state["stages.1.blocks.0.gamma"] = state["stages.1.blocks.0.gamma"] + 0.01
    with pytest.raises(RunError, match="more than"):
        same_features.largest_difference(encoder, state)
