"""Backbones by name."""

import importlib
import math
import numbers
from typing import Any

import keras

from ressl_tf.config.backbone_table import BACKBONES, NAMES, OPTIONS, check_options
from ressl_tf.runtime.errors import UsageError

__all__ = ["NAMES", "build"]


def build(name: str, **options: Any) -> keras.Model:
    """Build the backbone called `name`, with random weights.

    Every backbone takes `image_size`, `stem`, `width`, `batch_norm`, `channels` and
    `zero_init_gamma`. The stems are strides, the same in all: from image to feature map
    32 with "standard", 16 with "small_maxpool", 8 with "small"; half of it in a ViT.
    Some take `patch_size`, `vit_pooling` and `drop_path`, too; see
    `config.backbone_table`. Those with learned positions take `position_size`, the side
    of the images that have positions of their own.

    Args:
        name: a row of `config.backbone_table`.
        **options: of `resnet.resnet` and `vit.vit`.

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
    check_options(name, options)
    width = options.get("width", 1.0)
    if not (isinstance(width, numbers.Real) and 0 < float(width) < math.inf):
        raise UsageError(f"width must be a number above 0. Received: {width!r}")
    module, _, function = row.home.partition(":")
    left_out = {*OPTIONS, *([] if row.positions else ["position_size"])}
    left_out -= {"zero_init_gamma", *row.options}  # that one all take, as False
    taken = {key: value for key, value in options.items() if key not in left_out}
    return getattr(importlib.import_module(module), function)(name, **taken)
