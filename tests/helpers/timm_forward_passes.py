"""NumPy forward passes of timm's ConvNeXt, EfficientNet and MobileNets.

Written after the papers and timm's own code, by timm's names; images are normalised,
[n, channels, h, w]. Padding is TensorFlow's, as timm's `tf_*` networks have it.
"""

import math
import re

import numpy as np

NETWORKS = {  # strides and activations of the stages; of the first and last layers
    "efficientnet_b0": ((1, 2, 2, 2, 1, 2, 1), ("silu",) * 7, "silu"),
    "mobilenet_v2": ((1, 2, 2, 2, 1, 2, 1), ("relu6",) * 7, "relu6"),
    "mobilenet_v3_small": ((2, 2, 2, 1, 2), ("relu",) * 2 + ("hard",) * 3, "hard"),
}
erf = np.vectorize(math.erf)


def relu6(x):
    return np.clip(x, 0, 6)


ACTIVATIONS = {
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": relu6,
    "hard": lambda x: x * relu6(x + 3) / 6,
}


def gelu(x):
    return x * (1 + erf(x / math.sqrt(2))) / 2


def conv(x, weight, bias=0.0, stride=1, same=True):
    """Convolve; a weight of one input channel is that of each channel alone."""
    size = weight.shape[-1]
    if same:
        needed = [
            max((-(-side // stride) - 1) * stride + size - side, 0)
            for side in x.shape[2:]
        ]
        border = [(0, 0), (0, 0), *((n // 2, n - n // 2) for n in needed)]
        x = np.pad(x, border)
    cut = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
    cut = cut[:, :, ::stride, ::stride]
    alone = weight.shape[1] == 1 and x.shape[1] > 1
    how = "nchwij,cij->nchw" if alone else "nchwij,ocij->nohw"
    made = np.einsum(how, cut, weight[:, 0] if alone else weight, optimize=True)
    return made + np.reshape(bias, (-1, 1, 1))


def batch_norm(state, name, x, epsilon=1e-3):
    mean, variance, gamma, beta = (
        state[f"{name}.{leaf}"].reshape(-1, 1, 1)
        for leaf in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def mbconv(name, state, images):
    """Return the features of an EfficientNet or MobileNet, [n, f]."""
    strides, acts, outer = NETWORKS[name]
    outer = ACTIVATIONS[outer]
    x = conv(images, state["conv_stem.weight"], stride=2)
    x = outer(batch_norm(state, "bn1", x))
    pattern = r"blocks\.(\d+)\.(\d+)\.conv_dw\.weight"
    found = [m for key in state if (m := re.match(pattern, key))]
    for stage, place in sorted((int(m[1]), int(m[2])) for m in found):
        stride = strides[stage] if place == 0 else 1
        own = {
            key.removeprefix(f"blocks.{stage}.{place}."): array
            for key, array in state.items()
            if key.startswith(f"blocks.{stage}.{place}.")
        }
        made = _inverted_residual(own, x, stride, acts[stage], name)
        x = x + made if made.shape == x.shape else made
    last = f"blocks.{len(strides)}.0."
    if f"{last}conv.weight" in state:  # MobileNetV3
        x = batch_norm(state, f"{last}bn1", conv(x, state[f"{last}conv.weight"]))
    else:
        x = batch_norm(state, "bn2", conv(x, state["conv_head.weight"]))
    return outer(x).mean((2, 3))


def _inverted_residual(own, x, stride, act, name):
    act = ACTIVATIONS[act]
    norms, project = ["bn1", "bn2"], "conv_pw"
    if "conv_pwl.weight" in own:
        norms, project = ["bn2", "bn3"], "conv_pwl"
        x = act(batch_norm(own, "bn1", conv(x, own["conv_pw.weight"])))
    x = conv(x, own["conv_dw.weight"], stride=stride)
    x = act(batch_norm(own, norms[0], x))
    if "se.conv_reduce.weight" in own:
        x = x * _gate(own, x, name)
    return batch_norm(own, norms[1], conv(x, own[f"{project}.weight"]))


def _gate(own, x, name):
    inner, outer = ACTIVATIONS["relu"], lambda x: relu6(x + 3) / 6
    if name.startswith("efficientnet"):
        inner, outer = ACTIVATIONS["silu"], lambda x: 1 / (1 + np.exp(-x))
    pooled = x.mean((2, 3), keepdims=True)
    parts = ("se.conv_reduce", "se.conv_expand")
    (w1, b1), (w2, b2) = ((own[f"{p}.weight"], own[f"{p}.bias"]) for p in parts)
    return outer(conv(inner(conv(pooled, w1, b1)), w2, b2))


def convnext(state, images):
    """Return the features of a ConvNeXt, [n, f]."""
    x = conv(images, state["stem.0.weight"], state["stem.0.bias"], 4, same=False)
    x = _channel_norm(state, "stem.1", x)
    names = [m for n in state if (m := re.match(r"stages\.(\d+)\.blocks\.(\d+)", n))]
    for stage, index in sorted({(int(m[1]), int(m[2])) for m in names}):
        if stage and index == 0:
            down = f"stages.{stage}.downsample"
            x = _channel_norm(state, f"{down}.0", x)
            weight, bias = (state[f"{down}.1.{leaf}"] for leaf in ("weight", "bias"))
            x = conv(x, weight, bias, 2, same=False)
        block = f"stages.{stage}.blocks.{index}"
        weight, bias = (state[f"{block}.conv_dw.{leaf}"] for leaf in ("weight", "bias"))
        y = _channel_norm(state, f"{block}.norm", conv(x, weight, bias))
        y = np.moveaxis(y, 1, -1)
        y = gelu(
            y @ state[f"{block}.mlp.fc1.weight"].T + state[f"{block}.mlp.fc1.bias"]
        )
        y = y @ state[f"{block}.mlp.fc2.weight"].T + state[f"{block}.mlp.fc2.bias"]
        x = x + np.moveaxis(y * state[f"{block}.gamma"], -1, 1)
    return _channel_norm(state, "head.norm", x.mean((2, 3), keepdims=True))[..., 0, 0]


def _channel_norm(state, name, x):
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    weight, bias = (state[f"{name}.{n}"].reshape(-1, 1, 1) for n in ("weight", "bias"))
    return (x - mean) / np.sqrt(variance + 1e-6) * weight + bias
