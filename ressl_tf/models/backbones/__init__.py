"""Backbones by name."""

import importlib
import math
import numbers
from typing import Any

import keras

from ressl_tf.config.backbone_table import BACKBONES, NAMES
from ressl_tf.runtime.errors import UsageError

__all__ = ["NAMES", "build"]


def build(name: str, **options: Any) -> keras.Model:
    """Build the backbone called `name`, with random weights.

    Every backbone takes `image_size`, `stem`, `width`, `batch_norm`, `channels` and
    `zero_init_gamma`. The stems are strides, the same in all: from image to feature map
    32 with "standard", 16 with "small_maxpool", 8 with "small"; half of it in a ViT.

    Args:
        name: a row of `config.backbone_table`.
        **options: of `resnet.resnet`.

    Raises:
        UsageError: for an unknown name, or an option that the network cannot have.
    """
    if name not in BACKBONES:
        raise UsageError(
            f"--backbone must be one of {', '.join(NAMES)}. Received: {name}"
        )
    row = BACKBONES[name]
    if options.get("stem", "standard") not in row.stems:
        raise UsageError(
            f"--stem={options['stem']} is not one of this network's, which are "
            f"{', '.join(row.stems)}. Received: --backbone={name}"
        )
    if options.get("zero_init_gamma") and "zero_init_gamma" not in row.options:
        raise UsageError(
            "--zero_init_gamma is of the ResNets, whose shortcuts carry every block. "
            f"Received: --backbone={name}"
        )
    width = options.get("width", 1.0)
    if not (isinstance(width, numbers.Real) and 0 < float(width) < math.inf):
        raise UsageError(f"width must be a number above 0. Received: {width!r}")
    module, _, function = row.home.partition(":")
    return getattr(importlib.import_module(module), function)(name, **options)
