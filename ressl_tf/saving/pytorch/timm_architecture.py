"""Find out which ConvNeXt, EfficientNet or MobileNet of timm has given weights."""

import re
from collections.abc import Mapping

import numpy as np

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch import convnext_names, mbconv_names
from ressl_tf.saving.pytorch.architecture import Architecture

CONVNEXT_DEPTHS = (3, 3, 9, 3)  # blocks of the stages of ConvNeXt-tiny
CONVNEXT_DIM = 96  # channels of its first stage
MBCONVS = {  # number of blocks, channels behind the last convolution -> ours
    (16, 1280): "efficientnet_b0",
    (23, 1280): "efficientnet_b1",
    (23, 1408): "efficientnet_b2",
    (26, 1536): "efficientnet_b3",
    (17, 1280): "mobilenet_v2",
    (11, 576): "mobilenet_v3_small",
    (15, 960): "mobilenet_v3_large",
}


def find_convnext(state: Mapping[str, np.ndarray]) -> Architecture:
    """Return the ConvNeXt that has these weights.

    Args:
        state: timm's names to arrays, a `stem.0.weight` among them.

    Raises:
        UsageError: it is none of ours; the message says what was found.
    """
    dim, channels = _first(state, convnext_names.MARKER, 4)
    blocks = {
        m.groups() for n in state if (m := re.match(r"stages\.(\d+)\.blocks\.(\d+)", n))
    }
    stages = sorted({stage for stage, _ in blocks})
    depths = tuple(sum(stage == s for s, _ in blocks) for stage in stages)
    if depths != CONVNEXT_DEPTHS:
        raise UsageError(
            f"a ConvNeXt must have {list(CONVNEXT_DEPTHS)} blocks a stage, as the tiny "
            f"one has. Received: {list(depths)}"
        )
    return Architecture("convnext_tiny", dim / CONVNEXT_DIM, "standard", channels)


def find_mbconv(state: Mapping[str, np.ndarray]) -> Architecture:
    """Return the EfficientNet or MobileNet that has these weights, at width 1.

    Args:
        state: timm's names to arrays, a `conv_stem.weight` among them.

    Raises:
        UsageError: it is none of ours; the message says what was found.
    """
    _, channels = _first(state, mbconv_names.MARKER, 3)
    blocks = mbconv_names.blocks_of(state)
    last = blocks[-1][0] + 1 if blocks else 0
    v3 = mbconv_names.kind_of(state) == mbconv_names.V3
    head = state.get(f"blocks.{last}.0.conv.weight" if v3 else "conv_head.weight")
    received = len(blocks), 0 if head is None else len(head)
    if received not in MBCONVS:
        known = "; ".join(f"{name} {list(key)}" for key, name in MBCONVS.items())
        raise UsageError(
            f"the backbone must be one of {known} (blocks, channels behind the last "
            f"convolution), of width 1. Received: {list(received)}"
        )
    return Architecture(MBCONVS[received], 1.0, "standard", channels)


def _first(state, name: str, side: int) -> tuple[int, int]:
    """Return outputs and inputs of the first convolution."""
    shape = state[name].shape
    known = len(shape) == 4 and shape[2:] == (side, side)
    if not known or not 1 <= shape[1] <= MOST_CHANNELS:
        raise UsageError(
            f"{name} must be [outputs, channels, {side}, {side}], of 1 to "
            f"{MOST_CHANNELS} channels. Received: {list(shape)}"
        )
    return shape[0], shape[1]
