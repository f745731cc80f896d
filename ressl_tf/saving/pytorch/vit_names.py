"""Translate weights of vision transformers between timm's names and ours.

DeiT, DINO and MAE have the same names. A position and what is always added to it are
one vector here: the convolution's bias, and the class token at its own place. Written
back, that bias and the class token's position are 0; the function is the same.
NumPy only.
"""

import math
from collections.abc import Mapping

import numpy as np

from ressl_tf.saving.pytorch.parameter_names import State

LIKE = "ViT of timm with learned positions, one class token at most and no layer scale"
MARKER = "patch_embed.proj.weight"
HEAD_DIM = 64  # channels of a head, which weights do not tell
NORMS = {"weight": "gamma", "bias": "beta"}
DENSE = {"mlp.fc1": "dense1", "mlp.fc2": "dense2"}
PARTS = ("query", "key", "value")  # the order of timm's qkv


def to_keras(state: Mapping[str, np.ndarray]) -> State:
    """Convert timm's weights to ours.

    Args:
        state: timm's names to arrays; biases that are not there are 0.

    Returns:
        "layer/variable" to arrays.
    """
    variables = _tokens_to_keras(state)
    for block in sorted({n.split(".")[1] for n in state if n.startswith("blocks.")}):
        theirs, ours = f"blocks.{block}.", f"block{int(block) + 1}_"
        own = _under(theirs, state)
        for norm in ("norm1", "norm2"):
            variables |= _norm(own, norm, f"{ours}{norm}")
        for name, layer in DENSE.items():
            variables[f"{ours}{layer}/kernel"] = own[f"{name}.weight"].T
            variables[f"{ours}{layer}/bias"] = own[f"{name}.bias"]
        attention = _attention_to_keras(own)
        variables |= {f"{ours}attention/{n}": a for n, a in attention.items()}
    last = "fc_norm" if "fc_norm.weight" in state else "norm"
    return variables | _norm(state, last, last)


def to_pytorch(variables: Mapping[str, np.ndarray]) -> State:
    """Reverse `to_keras`, but for what is one vector here.

    Args:
        variables: "layer/variable" to arrays.
    """
    state = _tokens_to_pytorch(variables)
    index = 0
    while f"block{index + 1}_norm1/gamma" in variables:
        ours, theirs = f"block{index + 1}_", f"blocks.{index}."
        own = _under(ours, variables)
        state |= {f"{theirs}{n}": a for n, a in _block_to_pytorch(own).items()}
        index += 1
    last = "fc_norm" if "fc_norm/gamma" in variables else "norm"
    return state | {f"{last}.{t}": variables[f"{last}/{o}"] for t, o in NORMS.items()}


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> State:
    return {
        n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)
    }


def _tokens_to_keras(state) -> State:
    kernel = state[MARKER]
    extra = int("cls_token" in state)
    positions = state["pos_embed"][0]
    side = math.isqrt(len(positions) - extra)
    bias = state.get("patch_embed.proj.bias", 0)
    variables = {
        "patches/kernel": kernel.transpose(2, 3, 1, 0),
        "patches/bias": positions[extra:].reshape(side, side, -1) + bias,
    }
    if extra:
        variables["patches/class_token"] = state["cls_token"][0] + positions[:1]
    return variables


def _tokens_to_pytorch(variables) -> State:
    kernel, bias = variables["patches/kernel"], variables["patches/bias"]
    dim = kernel.shape[-1]
    positions, state = bias.reshape(-1, dim), {}
    if (token := variables.get("patches/class_token")) is not None:
        state["cls_token"] = token[None]
        positions = np.concatenate([np.zeros_like(token), positions])
    return {
        **state,
        "pos_embed": positions[None],
        MARKER: kernel.transpose(3, 2, 0, 1),
        "patch_embed.proj.bias": np.zeros(dim, bias.dtype),
    }


def _norm(state, theirs: str, ours: str) -> State:
    return {f"{ours}/{o}": state[f"{theirs}.{t}"] for t, o in NORMS.items()}


def _attention_to_keras(own) -> State:
    """Split qkv in three, and all in heads."""
    weight = own["attn.qkv.weight"]
    dim = weight.shape[1]
    heads = (dim // HEAD_DIM, HEAD_DIM)
    biases = own.get("attn.qkv.bias", np.zeros(3 * dim, weight.dtype))
    variables = {
        "attention_output/kernel": own["attn.proj.weight"].T.reshape(*heads, dim),
        "attention_output/bias": own["attn.proj.bias"],
    }
    parts = zip(PARTS, np.split(weight, 3), np.split(biases, 3), strict=True)
    for part, kernel, bias in parts:
        variables[f"{part}/kernel"] = kernel.T.reshape(dim, *heads)
        variables[f"{part}/bias"] = bias.reshape(heads)
    return variables


def _block_to_pytorch(own) -> State:
    kernels = [own[f"attention/{part}/kernel"] for part in PARTS]
    biases = [own[f"attention/{part}/bias"] for part in PARTS]
    dim = len(kernels[0])
    output = own["attention/attention_output/kernel"]
    state = {
        "attn.qkv.weight": np.concatenate([k.reshape(dim, -1).T for k in kernels]),
        "attn.qkv.bias": np.concatenate([bias.ravel() for bias in biases]),
        "attn.proj.weight": output.reshape(-1, dim).T,
        "attn.proj.bias": own["attention/attention_output/bias"],
    }
    for norm in ("norm1", "norm2"):
        state |= {f"{norm}.{t}": own[f"{norm}/{o}"] for t, o in NORMS.items()}
    for name, layer in DENSE.items():
        state[f"{name}.weight"] = own[f"{layer}/kernel"].T
        state[f"{name}.bias"] = own[f"{layer}/bias"]
    return state
