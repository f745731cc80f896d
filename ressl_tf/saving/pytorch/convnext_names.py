"""Translate weights of ConvNeXts (Liu et al., CVPR 2022) between timm's names and ours.

NumPy only.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ressl_tf.saving.pytorch import parameter_names
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


def to_keras(state: Mapping[str, np.ndarray]) -> State:
    """Convert timm's weights to ours.

    Args:
        state: timm's names to arrays.

    Returns:
        "layer/variable" to arrays.
    """
    return parameter_names.to_keras(state, _ours)


def to_pytorch(variables: Mapping[str, np.ndarray]) -> State:
    """Reverse `to_keras`.

    Args:
        variables: "layer/variable" to arrays.
    """
    return parameter_names.to_pytorch(variables, _theirs)


def _ours(theirs: str) -> str:
    if match := re.fullmatch(r"stages\.(\d+)\.downsample\.([01])", theirs):
        return f"downsampling_{int(match[1]) - 1}_{dict(DOWN)[match[2]]}"
    return _renamed(theirs, LAYERS)


def _theirs(ours: str) -> str:
    if match := re.fullmatch(r"downsampling_(\d+)_(\w+)", ours):
        number = {name: number for number, name in DOWN}[match[2]]
        return f"stages.{int(match[1]) + 1}.downsample.{number}"
    return _renamed(ours, [(b, a) for a, b in LAYERS])


def _renamed(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    for before, after in pairs:
        pattern = re.escape(before).replace(r"\{\}", r"(\d+)")
        if match := re.fullmatch(pattern, name):
            return after.format(*match.groups())
    raise KeyError(name)
