"""Translate weights of EfficientNets and MobileNets between timm's names and ours.

Their blocks are inverted residuals (Sandler et al., CVPR 2018). timm's networks `tf_*`
pad as TensorFlow does, and compute the same as ours. NumPy only.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ressl_tf.saving.pytorch import parameter_names
from ressl_tf.saving.pytorch.parameter_names import State

LIKE = "network of timm made of inverted residuals"
MARKER = "conv_stem.weight"
EFFICIENTNET, V2, V3 = "efficientnet", "mobilenet_v2", "mobilenet_v3"
OUR_MARKERS = {  # a layer that only this kind has -> kind
    "stem_bn/gamma": EFFICIENTNET,
    "bn_Conv1/gamma": V2,
    "conv_1_bn/gamma": V3,
}
STAGES = {  # number of a MobileNet's blocks -> how many each of timm's stages has
    17: (1, 2, 3, 4, 3, 3, 1),
    11: (1, 2, 3, 2, 3),
    15: (1, 2, 3, 4, 2, 3),
}
EXPANDED = {  # timm's layers of a block -> what they do
    "conv_pw": "expand",
    "bn1": "expand_bn",
    "conv_dw": "depthwise",
    "bn2": "depthwise_bn",
    "se.conv_reduce": "squeeze",
    "se.conv_expand": "excite",
    "conv_pwl": "project",
    "bn3": "project_bn",
}
SEPARABLE = {  # of a block that expands nothing
    "conv_dw": "depthwise",
    "bn1": "depthwise_bn",
    "se.conv_reduce": "squeeze",
    "se.conv_expand": "excite",
    "conv_pw": "project",
    "bn2": "project_bn",
}
OURS = {  # what a layer of a block does -> its name here, where that is another one
    EFFICIENTNET: {
        "expand": "expand_conv",
        "depthwise": "dwconv",
        "depthwise_bn": "bn",
        "squeeze": "se_reduce",
        "excite": "se_expand",
        "project": "project_conv",
    },
    V2: {f"{do}_bn": f"{do}_BN" for do in ("expand", "depthwise", "project")},
    V3: {"squeeze": "squeeze_excite_conv", "excite": "squeeze_excite_conv_1"},
}
ENDS = {  # timm's first and last layers -> ours
    EFFICIENTNET: {
        "conv_stem": "stem_conv",
        "bn1": "stem_bn",
        "conv_head": "top_conv",
        "bn2": "top_bn",
    },
    V2: {
        "conv_stem": "Conv1",
        "bn1": "bn_Conv1",
        "conv_head": "Conv_1",
        "bn2": "Conv_1_bn",
    },
    V3: {
        "conv_stem": "conv",
        "bn1": "conv_bn",
        "blocks.{}.0.conv": "conv_1",  # in a stage of its own, the last
        "blocks.{}.0.bn1": "conv_1_bn",
    },
}
Block = tuple[int, int, bool]  # stage, place in it, whether it expands


def to_keras(state: Mapping[str, np.ndarray]) -> State:
    """Convert timm's weights to ours.

    Args:
        state: timm's names to arrays.

    Returns:
        "layer/variable" to arrays.
    """
    layers = _layers(kind_of(state), blocks_of(state))
    return parameter_names.to_keras(state, layers.__getitem__)


def to_pytorch(variables: Mapping[str, np.ndarray]) -> State:
    """Reverse `to_keras`; the counters of batches are 0.

    Args:
        variables: "layer/variable" to arrays.
    """
    kind = next(k for marker, k in OUR_MARKERS.items() if marker in variables)
    layers = _layers(kind, _our_blocks(kind, variables))
    theirs = {ours: name for name, ours in layers.items()}
    return parameter_names.to_pytorch(variables, theirs.__getitem__)


def kind_of(state: Iterable[str]) -> str:
    """Tell the kind of network by timm's names."""
    names = set(state)
    if "bn2.weight" not in names:
        return V3
    squeezes = any(".se.conv_reduce." in name for name in names)
    return EFFICIENTNET if squeezes else V2


def blocks_of(state: Iterable[str]) -> list[Block]:
    """Return the blocks that timm's names tell of, in their order."""
    names = set(state)
    found = {
        (int(m[1]), int(m[2]))
        for name in names
        if (m := re.match(r"blocks\.(\d+)\.(\d+)\.conv_dw\.", name))
    }
    return [
        (s, i, f"blocks.{s}.{i}.conv_pwl.weight" in names) for s, i in sorted(found)
    ]


def _our_blocks(kind: str, variables: Iterable[str]) -> list[Block]:
    """Return the blocks that our names tell of, in their order."""
    names = set(variables)
    if kind == EFFICIENTNET:
        found = {m.groups() for n in names if (m := re.match(r"block(\d)([a-z])_", n))}
        places = [(int(stage) - 1, ord(letter) - ord("a")) for stage, letter in found]
    else:
        count = sum(f"block_{number}_depthwise/kernel" in names for number in range(99))
        sizes = STAGES[count]
        places = [(s, i) for s, size in enumerate(sizes) for i in range(size)]
    ordered = sorted(places)
    expand = OURS[kind].get("expand", "expand")
    return [
        (*place, f"{_beginning(kind, n, *place)}{expand}/kernel" in names)
        for n, place in enumerate(ordered)
    ]


def _beginning(kind: str, number: int, stage: int, place: int) -> str:
    """Return how the names of a block's layers begin here."""
    if kind == EFFICIENTNET:
        return f"block{stage + 1}{chr(ord('a') + place)}_"
    return f"block_{number}_"


def _layers(kind: str, blocks: list[Block]) -> dict[str, str]:
    """Return timm's name of each layer, and ours."""
    last = blocks[-1][0] + 1
    layers = {theirs.format(last): ours for theirs, ours in ENDS[kind].items()}
    for number, (stage, place, expanded) in enumerate(blocks):
        beginning = _beginning(kind, number, stage, place)
        for theirs, does in (EXPANDED if expanded else SEPARABLE).items():
            ours = OURS[kind].get(does, does)
            layers[f"blocks.{stage}.{place}.{theirs}"] = f"{beginning}{ours}"
    return layers
