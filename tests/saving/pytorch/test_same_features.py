"""A converted network against PyTorch's, where that is installed."""

import importlib.util

import numpy as np
import pytest
from helpers.torch_states import MEAN, STD, forward, imported, network
from helpers.vit_states import vit, vit_forward

from ressl_tf.config.backbone_table import POOLINGS
from ressl_tf.models.backbones.resnet import resnet
from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pytorch import from_torch, same_features, torch_networks

WITHOUT = importlib.util.find_spec("torch") is None
needs_torch = pytest.mark.skipif(WITHOUT, reason="PyTorch is not installed")
ROUND = {"rtol": 0, "atol": 1e-4}


@pytest.mark.skipif(not WITHOUT, reason="PyTorch is installed")
def test_it_says_how_pytorch_is_installed(tmp_path):
    with pytest.raises(UsageError, match=r"pip install 'ressl_tf\[torch\]'"):
        imported(network(kernel=3), tmp_path / "run", image_size=16, verify=True)
    assert not (tmp_path / "run").exists()


@needs_torch
@pytest.mark.parametrize("pooling", POOLINGS)
def test_pytorch_runs_a_transformer_as_numpy_does(pooling):
    state = vit(pooling=pooling, depth=2)
    images = np.random.default_rng(1).normal(size=(2, 3, 12, 12)).astype("float32")
    made = torch_networks.vit(state, images, pooling)
    np.testing.assert_allclose(made, vit_forward(state, images, pooling), **ROUND)


@needs_torch
@pytest.mark.parametrize(
    ("name", "kernel", "stem"),
    [("resnet18", 7, "standard"), ("resnet50", 3, "small")],
)
def test_pytorch_runs_a_resnet_as_numpy_does(name, kernel, stem):
    state = network(name, kernel)
    images = np.random.default_rng(1).normal(size=(2, 3, 24, 24)).astype("float32")
    expected = forward(state, images, pool=stem != "small")
    made = torch_networks.resnet(state, images, stem)
    np.testing.assert_allclose(
        made / expected.std(), expected / expected.std(), **ROUND
    )


@needs_torch
@pytest.mark.parametrize("stem", ["small", "small_maxpool", "small_pad2", "standard"])
def test_a_wrong_weight_is_found(stem):
    state = network(kernel=7 if stem == "standard" else 3)
    backbone = resnet("resnet18", stem=stem, width=1 / 16)
    from_torch.load(backbone, state)
    encoder = Encoder(backbone, None, MEAN.tolist(), STD.tolist())
    assert same_features.largest_difference(encoder, state) < 1e-5
    backbone.get_layer("layer3_0_bn1").beta.assign_add([0.01] * 16)
    with pytest.raises(RunError, match=r"more than 0\.0001"):
        same_features.largest_difference(encoder, state)
