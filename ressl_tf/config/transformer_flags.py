"""The flags of vision transformers."""

from typing import Any

from ressl_tf.config.backbone_table import POOLINGS
from ressl_tf.runtime.flags import option


def patch_size() -> Any:
    """Declare the side of a patch."""
    return option(
        0,
        "Side of a ViT's patches in pixels: 16, 14 or 8; 4 for images of 32 px. Half "
        "of it costs 4 times as much and more. 0: by --stem.",
        low=0,
        high=256,
    )


def vit_pooling() -> Any:
    """Declare what features are."""
    return option(
        "mean",
        "Features of a ViT: mean over the patches; token: a class token, as DeiT and "
        "DINO have it; mean_norm: the mean, normalised behind it, beside a class token "
        "(timm's fc_norm).",
        choices=POOLINGS,
    )


def drop_path() -> Any:
    """Declare the rate of stochastic depth."""
    return option(
        0.0,
        "Stochastic depth: the rate at which the student's last block (ViT, ConvNeXt) "
        "is skipped, a sample at a time; it grows linearly from 0 in the first. 0.1 is "
        "usual. Too high: it does not learn.",
        low=0.0,
        high=1.0,
    )
