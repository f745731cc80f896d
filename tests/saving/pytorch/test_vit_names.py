"""Vision transformers of timm and DINO become workdirs and state dicts again."""

import numpy as np
import pytest
from helpers.torch_states import (
    imported,
    normalised,
    prefixed,
    projector,
    same,
    without,
)
from helpers.vit_states import vit, vit_forward

from ressl_tf.config.backbone_table import POOLINGS
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.models import backbones
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained
from ressl_tf.saving.pytorch import from_torch, to_torch, torch_file, vit_names
from ressl_tf.saving.pytorch.families import find, state_of
from ressl_tf.saving.pytorch.layouts import split

ZERO = "patch_embed.proj.bias"  # in what is written


def built(state):
    found = find(state)
    return backbones.build(
        found.backbone,
        image_size=found.image_size,
        patch_size=found.patch_size,
        vit_pooling=found.vit_pooling,
        width=found.width,
    )


@pytest.mark.parametrize("pooling", POOLINGS)
def test_features_equal_a_numpy_forward_pass_and_go_back(pooling):
    state = vit(dim=128, pooling=pooling)
    network = built(state)
    from_torch.load(network, state)
    images = np.random.default_rng(1).normal(size=(2, 3, 12, 12))
    expected = vit_forward(state, images, pooling)
    given = images.transpose(0, 2, 3, 1).astype("float32")
    np.testing.assert_allclose(network(given), expected, rtol=0, atol=1e-4)
    back = state_of(network)
    assert set(back) == set(state)
    np.testing.assert_array_equal(back[ZERO], np.zeros(128))
    np.testing.assert_allclose(
        vit_forward(back, images, pooling), expected, rtol=0, atol=1e-4
    )
    again = built(back)
    from_torch.load(again, back)  # what is one vector here stays as it is
    for one, other in zip(network.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


def test_biases_that_are_not_there_are_zeros():
    state = without(vit(depth=1), "qkv.bias", ZERO)
    variables = vit_names.to_keras(state)
    for part in ("query", "key", "value"):
        bias = variables[f"block1_attention/{part}/bias"]
        np.testing.assert_array_equal(bias, np.zeros((1, 64)))
    back = vit_names.to_pytorch(variables)
    np.testing.assert_array_equal(
        back["blocks.0.attn.qkv.weight"], state["blocks.0.attn.qkv.weight"]
    )


@pytest.mark.parametrize(
    ("dim", "name", "width"),
    [
        *((192, "vit_tiny", 1), (384, "vit_small", 1), (768, "vit_base", 1)),
        *((64, "vit_small", 1 / 6), (640, "vit_small", 640 / 384)),
    ],
)
def test_the_size_is_read_off_the_weights(dim, name, width):
    small = vit(depth=12, side=4, patch=14)
    state = {key: array for key, array in small.items() if "blocks" in key}
    state["patch_embed.proj.weight"] = np.ones((dim, 3, 14, 14))
    state |= {"pos_embed": np.ones((1, 17, dim)), "cls_token": np.ones((1, 1, dim))}
    found = find(state)
    assert (found.backbone, found.width) == (name, pytest.approx(width))
    assert (found.patch_size, found.image_size, found.vit_pooling) == (14, 56, "token")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks.12.norm1.weight": np.ones(64)}, "12 blocks.*Received: 13"),
        ({"pos_embed": np.ones((1, 8, 64))}, r"square image.*Received: \[1, 8, 64\]"),
        ({"pos_embed": None}, r"pos_embed must be"),
        (
            {"patch_embed.proj.weight": np.ones((64, 65, 4, 4))},
            r"dim, channels, patch.*\[64, 65, 4, 4\]",
        ),
        ({"patch_embed.proj.weight": np.ones((60, 3, 4, 4))}, r"\[60, 3, 4, 4\]"),
        ({"fc_norm.weight": np.ones(64), "cls_token": None}, "no cls_token"),
        ({"pos_embed": np.ones((1, 9, 64)), "cls_token": None}, None),
    ],
)
def test_other_transformers_are_refused_in_one_line(changes, message):
    state = vit() | changes
    state = {name: array for name, array in state.items() if array is not None}
    if message is None:
        assert find(state).vit_pooling == "mean"
        return
    with pytest.raises(UsageError, match=message) as error:
        find(state)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks.3.ls1.gamma": np.ones(64)}, "has blocks.3.ls1.gamma, unlike a ViT"),
        ({"reg_token": np.ones((1, 4, 64))}, "has reg_token"),
        ({"blocks.0.attn.proj.bias": None}, "misses blocks.0.attn.proj.bias"),
    ],
)
def test_parts_that_ours_lack_are_named(changes, message):
    state = vit() | changes
    state = {name: array for name, array in state.items() if array is not None}
    with pytest.raises(UsageError, match=message):
        from_torch.load(built(vit()), split(state).backbone)


@pytest.mark.parametrize(
    ("prefix", "further", "layout", "left_out"),
    [
        (
            "",
            {"head.weight": np.ones((9, 64)), "head.bias": np.ones(9)},
            "timm",
            "head",
        ),
        ("", {"mask_token": np.ones(64), "decoder_embed.bias": np.ones(4)}, "timm", ""),
        ("module.backbone.", {"module.head.mlp.0.weight": np.ones(1)}, "dino", "head"),
        ("backbone.", prefixed("projector.", projector(64)), "solo", ""),
        ("module.base_encoder.", {"module.base_encoder.head.bias": 1}, "moco_v3", ""),
    ],
)
def test_layouts_of_transformers_are_known(prefix, further, layout, left_out):
    state = vit(depth=1)
    parts = split(prefixed(prefix, state) | further)
    assert parts.layout.name == layout
    same(parts.backbone, state)
    assert left_out in [*from_torch.leave_out(parts), ""]


@pytest.mark.slow
def test_a_workdir_of_a_transformer_and_back(tmp_path, monkeypatch):
    state = vit(dim=64, patch=8, side=2)
    result = imported(state, tmp_path / "run")
    assert (result["layout"], result["backbone"]) == ("timm", "vit_small")
    opened = open_pretrained(tmp_path / "run")
    assert opened.image_size == 16
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), np.uint8)
    expected = vit_forward(state, normalised(images))
    made = opened.encoder.features(images)
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-4)
    written = []
    monkeypatch.setattr(torch_file, "write", lambda *given: written.append(given))
    given = {"to": "torch", "workdir": str(tmp_path / "run"), "output": "a.pth"}
    assert to_torch.export(ConvertConfig(**given))["layout"] == "timm"
    back = vit_forward(written[0][0], normalised(images))
    np.testing.assert_allclose(back, expected, rtol=0, atol=1e-4)
    with pytest.raises(UsageError, match=r"written as timm, solo\. Received"):
        to_torch.export(ConvertConfig(**given, layout="moco"))
    with pytest.raises(UsageError, match="positions are of images of 16 pixels"):
        imported(state, tmp_path / "other", image_size=32)
