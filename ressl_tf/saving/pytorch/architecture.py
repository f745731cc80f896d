"""Find out which ResNet a state dict belongs to; what is known of any network."""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.models.backbones.resnet import BLOCKS
from ressl_tf.runtime.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network, as far as the shapes of its weights determine it.

    Attributes:
        backbone: A row of `config.backbone_table`.
        width: Factor on its channels.
        stem: Of a ResNet: "standard" for 7x7; "small" for 3x3, which may have a
            max-pool or not. "standard" for the others.
        channels: Of the images.
        patch_size: Side of a ViT's patches in pixels.
        vit_pooling: What a ViT's features are.
        image_size: Side of the images that a ViT's positions are of, in pixels; 0 for
            a network without.
    """

    backbone: str
    width: float
    stem: str
    channels: int
    patch_size: int = 0
    vit_pooling: str = "mean"
    image_size: int = 0


def find_architecture(state: Mapping[str, np.ndarray]) -> Architecture:
    """Return the ResNet that has these weights.

    Args:
        state: torchvision's names to arrays.

    Raises:
        UsageError: It is none of ours; the message says what was found.
    """
    blocks = {
        m.groups() for name in state if (m := re.match(r"layer(\d)\.(\d+)", name))
    }
    if not blocks:
        raise UsageError(
            "only ResNets, ViTs, ConvNeXt, EfficientNets and MobileNets can be "
            "converted, there is no converter for this network. Received: weights "
            f"without layer1.0 and blocks.0, such as {', '.join(list(state)[:2])}"
        )
    repeats = tuple(sum(stage == str(n) for stage, _ in blocks) for n in range(1, 5))
    deep = any(name.endswith(".conv3.weight") for name in state)
    kind = "bottleneck" if deep else "basic"
    for backbone, form in BLOCKS.items():
        if form == (kind, repeats):
            stem = state.get("conv1.weight", np.empty(0))
            return Architecture(backbone, *_stem(stem.shape))
    known = "; ".join(f"{name} {kind} {list(n)}" for name, (kind, n) in BLOCKS.items())
    raise UsageError(
        f"the backbone must be one of {known} (blocks a stage). "
        f"Received: {kind} {list(repeats)}"
    )


def _stem(shape):
    """Return width, stem and channels of the images."""
    outputs, inputs, *kernel = shape if len(shape) == 4 else (0, 0)
    stem = {(7, 7): "standard", (3, 3): "small"}.get(tuple(kernel))
    if not 1 <= inputs <= MOST_CHANNELS or stem is None:
        raise UsageError(
            "conv1.weight must be [outputs, channels, 7, 7] or [outputs, channels, "
            f"3, 3], of 1 to {MOST_CHANNELS} channels. Received: {list(shape)}"
        )
    return outputs / 64, stem, inputs
