"""Translate weights of ConvNeXts (Liu et al., CVPR 2022) between timm's names and ours.

NumPy only.
"""

import re
from collections.abc import Mapping

import numpy as np

from ressl_tf.saving.pytorch.parameter_names import State

LIKE = "ConvNeXt of timm"
MARKER = "stem.0.weight"
OUR_MARKER = "stage_0_block_0_depthwise_conv/kernel"
LAYERS = (  # timm's layers and ours; {} is a number
    ("stem.0", "stem_conv"),
    ("stem.1", "stem_layernorm"),
    ("stages.{}.blocks.{}.conv_dw", "stage_{}_block_{}_depthwise_conv"),
    ("stages.{}.blocks.{}.norm", "stage_{}_block_{}_layernorm"),
    ("stages.{}.blocks.{}.mlp.fc1", "stage_{}_block_{}_pointwise_conv_1"),
    ("stages.{}.blocks.{}.mlp.fc2", "stage_{}_block_{}_pointwise_conv_2"),
    ("stages.{}.blocks.{}", "stage_{}_block_{}_layer_scale"),
    ("head.norm", "head_layernorm"),
)
DOWN = (("0", "layernorm"), ("1", "conv"))  # a stage's, which ours counts from 0
AXES = {4: (2, 3, 1, 0), 2: (1, 0)}  # of a kernel of PyTorch's, as Keras has them
DEPTHWISE = (2, 3, 0, 1)


def to_keras(state: Mapping[str, np.ndarray]) -> State:
    """Convert timm's weights to ours.

    Args:
        state: timm's names to arrays.

    Returns:
        "layer/variable" to arrays.
    """
    variables = {}
    for name, array in state.items():
        theirs, _, leaf = name.rpartition(".")
        layer = _ours(theirs)
        if leaf != "gamma" and array.ndim > 1:
            leaf, array = "kernel", array.transpose(_axes(theirs, array.ndim))
        elif "norm" in layer:
            leaf = {"weight": "gamma", "bias": "beta"}[leaf]
        variables[f"{layer}/{leaf}"] = array
    return variables


def to_pytorch(variables: Mapping[str, np.ndarray]) -> State:
    """Reverse `to_keras`.

    Args:
        variables: "layer/variable" to arrays.
    """
    state = {}
    for name, array in variables.items():
        layer, _, leaf = name.partition("/")
        theirs = _theirs(layer)
        if leaf == "kernel":
            axes = np.argsort(_axes(theirs, array.ndim))
            leaf, array = "weight", array.transpose(axes)
        elif "norm" in layer:
            leaf = {"gamma": "weight", "beta": "bias"}[leaf]
        state[f"{theirs}.{leaf}"] = array
    return state


def _axes(theirs: str, ndim: int) -> tuple[int, ...]:
    return DEPTHWISE if theirs.endswith("conv_dw") else AXES[ndim]


def _ours(theirs: str) -> str:
    if match := re.fullmatch(r"stages\.(\d+)\.downsample\.([01])", theirs):
        return f"downsampling_{int(match[1]) - 1}_{dict(DOWN)[match[2]]}"
    return _renamed(theirs, [(a, b) for a, b in LAYERS])


def _theirs(ours: str) -> str:
    if match := re.fullmatch(r"downsampling_(\d+)_(\w+)", ours):
        number = {name: number for number, name in DOWN}[match[2]]
        return f"stages.{int(match[1]) + 1}.downsample.{number}"
    return _renamed(ours, [(b, a) for a, b in LAYERS])


def _renamed(name: str, pairs: list[tuple[str, str]]) -> str:
    for before, after in pairs:
        pattern = re.escape(before).replace(r"\{\}", r"(\d+)")
        if match := re.fullmatch(pattern, name):
            return after.format(*match.groups())
    raise KeyError(name)
