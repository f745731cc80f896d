"""Forward passes of torchvision's ResNets and timm's ViTs by PyTorch's own functions.

A state dict is run as it stands in the file, without either package: the other side of
`same_features`.
"""

import re
from typing import Any

import numpy as np

from ressl_tf.saving.pytorch.parameter_names import State
from ressl_tf.saving.pytorch.torch_file import import_torch
from ressl_tf.saving.pytorch.vit_names import HEAD_DIM, MARKER

LEAVES = ("weight", "bias")
PADDING = {"small_pad2": 2}  # stem -> of the first convolution, where it is not usual


def resnet(state: State, images: np.ndarray, stem: str) -> np.ndarray:
    """Return features of a ResNet, [n, f].

    Args:
        state: torchvision's names to arrays.
        images: normalised, float32 [n, channels, h, w].
        stem: the first layers.
    """
    torch, tensors = _tensors(state)
    functional = torch.nn.functional
    kernel = state["conv1.weight"].shape[-1]
    x = functional.conv2d(
        torch.from_numpy(images),
        tensors["conv1.weight"],
        stride=2 if stem == "standard" else 1,
        padding=PADDING.get(stem, kernel // 2),
    )
    x = functional.relu(_batch_norm(torch, tensors, "bn1", x))
    if stem in ("standard", "small_maxpool"):
        x = functional.max_pool2d(x, 3, 2, 1)
    for block in _blocks(state, r"(layer\d\.\d+)\."):
        x = _residual(torch, tensors, block, x)
    return x.mean((2, 3)).numpy()


def vit(state: State, images: np.ndarray, pooling: str) -> np.ndarray:
    """Return features of a vision transformer, [n, dim].

    Args:
        state: timm's names to arrays.
        images: normalised, float32 [n, channels, h, w], of the positions' size.
        pooling: what is pooled, `vit_pooling`.
    """
    torch, tensors = _tensors(state)
    weight, bias = tensors[MARKER], tensors.get("patch_embed.proj.bias")
    x = torch.from_numpy(images)
    x = torch.nn.functional.conv2d(x, weight, bias, stride=weight.shape[-1])
    x = x.flatten(2).transpose(1, 2)
    if "cls_token" in tensors:
        x = torch.cat([tensors["cls_token"].expand(len(x), -1, -1), x], dim=1)
    x = x + tensors["pos_embed"]
    for block in _blocks(state, r"(blocks\.\d+)\."):
        x = _transformer_block(torch, tensors, block, x)
    if pooling == "mean_norm":
        return _layer_norm(torch, tensors, "fc_norm", x[:, 1:].mean(1)).numpy()
    x = _layer_norm(torch, tensors, "norm", x)
    return (x[:, 0] if pooling == "token" else x.mean(1)).numpy()


def _tensors(state) -> tuple[Any, dict[str, Any]]:
    torch = import_torch()
    made = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
    return torch, made


def _blocks(state, pattern: str) -> list[str]:
    found = {match[1] for name in state if (match := re.match(pattern, name))}
    return sorted(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def _batch_norm(torch, tensors, name: str, x):
    leaves = ("running_mean", "running_var", "weight", "bias")
    given = (tensors[f"{name}.{leaf}"] for leaf in leaves)
    return torch.nn.functional.batch_norm(x, *given)


def _residual(torch, tensors, block: str, x):
    """Return the output of a block; torchvision strides its first 3x3 convolution."""
    functional = torch.nn.functional
    stride = 2 if re.match(r"layer[2-9]\.0$", block) else 1
    count = 3 if f"{block}.conv3.weight" in tensors else 2
    y = x
    for number in range(1, count + 1):
        weight = tensors[f"{block}.conv{number}.weight"]
        by = stride if number == count - 1 else 1
        y = functional.conv2d(y, weight, stride=by, padding=weight.shape[-1] // 2)
        y = _batch_norm(torch, tensors, f"{block}.bn{number}", y)
        y = functional.relu(y) if number < count else y
    if (weight := tensors.get(f"{block}.downsample.0.weight")) is not None:
        x = functional.conv2d(x, weight, stride=stride)
        x = _batch_norm(torch, tensors, f"{block}.downsample.1", x)
    return functional.relu(x + y)


def _transformer_block(torch, tensors, block: str, x):
    def linear(name, x):
        weight, bias = (tensors.get(f"{block}.{name}.{leaf}") for leaf in LEAVES)
        return torch.nn.functional.linear(x, weight, bias)

    functional, (count, tokens, dim) = torch.nn.functional, x.shape
    y = linear("attn.qkv", _layer_norm(torch, tensors, f"{block}.norm1", x))
    y = y.reshape(count, tokens, 3, dim // HEAD_DIM, HEAD_DIM).permute(2, 0, 3, 1, 4)
    y = functional.scaled_dot_product_attention(*y.unbind(0))
    x = x + linear("attn.proj", y.transpose(1, 2).reshape(count, tokens, dim))
    y = linear("mlp.fc1", _layer_norm(torch, tensors, f"{block}.norm2", x))
    return x + linear("mlp.fc2", functional.gelu(y))


def _layer_norm(torch, tensors, name: str, x):
    weight, bias = (tensors[f"{name}.{leaf}"] for leaf in LEAVES)
    return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, eps=1e-6)
