"""One row a backbone: its name on the command line and what it can be told.

The table is data: a backbone is named by the module and function that make it, which
`models.backbones` loads when one is built.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ressl_tf.runtime.errors import UsageError


@dataclasses.dataclass(frozen=True)
class BackboneRow:
    """How a backbone is made.

    Attributes:
        home: "module:function", called as (name, **options).
        options: flags of `OPTIONS` that it heeds.
        stems: values of --stem that it has.
        positions: whether it has learned positions: those of images of one size, the
            run's --image_size, which others interpolate.
        block: how the names of a block's layers begin, a regular expression: layers in
            a row with the same beginning are one block, which layer-wise learning rates
            count; a layer that it does not match is a block of its own.
    """

    home: str
    options: tuple[str, ...] = ()
    stems: tuple[str, ...] = ("standard", "small_maxpool", "small")
    positions: bool = False
    block: str = r"[a-z]+_?\d+"  # layer1_0_conv2 -> layer1; block2a_bn -> block2


RESNET = BackboneRow(
    "ressl_tf.models.backbones.resnet:resnet",
    options=("zero_init_gamma",),
    stems=("standard", "small_maxpool", "small", "small_pad2"),
)
APPLICATION = BackboneRow("ressl_tf.models.backbones.applications:application")
CONVNEXT = dataclasses.replace(APPLICATION, options=("drop_path",))
VIT = BackboneRow(
    "ressl_tf.models.backbones.vit:vit",
    options=("patch_size", "vit_pooling", "drop_path"),
    positions=True,
)

BACKBONES = {
    "resnet18": RESNET,
    "resnet34": RESNET,
    "resnet50": RESNET,
    "resnet101": RESNET,
    "efficientnet_b0": APPLICATION,
    "efficientnet_b1": APPLICATION,
    "efficientnet_b2": APPLICATION,
    "efficientnet_b3": APPLICATION,
    "mobilenet_v2": APPLICATION,
    "mobilenet_v3_small": APPLICATION,
    "mobilenet_v3_large": APPLICATION,
    "convnext_tiny": CONVNEXT,
    "vit_tiny": VIT,
    "vit_small": VIT,
    "vit_base": VIT,
}
OPTIONS = {  # flag that some networks have -> what leaves them as they are
    "zero_init_gamma": False,
    "patch_size": 0,
    "vit_pooling": "mean",
    "drop_path": 0.0,
}
PATCHES = {"standard": 16, "small_maxpool": 8, "small": 4}  # --stem -> pixels of a side
POOLINGS = ("mean", "token", "mean_norm")  # of the tokens of a vision transformer
NAMES = tuple(BACKBONES)
STEMS = RESNET.stems
SPLIT_GROUPS = 8  # the official small-image code splits a batch like 8 devices


def check_options(name: str, given: Mapping[str, Any]) -> None:
    """Refuse options that a backbone does not have, and rates that are none.

    Args:
        name: a row of the table.
        given: option -> value, of `OPTIONS` and others.

    Raises:
        UsageError: names those that have it.
    """
    for option, default in OPTIONS.items():
        if given.get(option, default) == default or option in BACKBONES[name].options:
            continue
        having = [other for other, row in BACKBONES.items() if option in row.options]
        raise UsageError(
            f"--{option} is of {', '.join(having)}. Received: "
            f"--{option}={given[option]} --backbone={name}"
        )
    if not 0 <= given.get("drop_path", 0.0) < 1:
        raise UsageError(
            "--drop_path must be at least 0 and below 1. "
            f"Received: {given['drop_path']}"
        )
    if given.get("vit_pooling", "mean") not in POOLINGS:
        raise UsageError(
            f"--vit_pooling must be one of {', '.join(POOLINGS)}. "
            f"Received: {given['vit_pooling']}"
        )
    if given.get("patch_size") and given.get("stem", "standard") != "standard":
        raise UsageError(
            "--patch_size and --stem both say the side of a patch: give one. Received: "
            f"--patch_size={given['patch_size']} --stem={given['stem']}"
        )


def check_patches(name: str, patch: int, sides: Iterable[int | None]) -> None:
    """Refuse sizes of images that are no whole patches of a vision transformer.

    Args:
        name: of the backbone.
        patch: side of a patch in pixels.
        sides: of images in pixels; None is none.

    Raises:
        UsageError: names the first.
    """
    for side in sides:
        if side is None or side % patch:
            raise UsageError(
                f"{name} cuts images into patches of {patch} pixels: the sides of "
                f"images and crops (--image_size, --crop_sizes) must be multiples of "
                f"{patch}; or give another --patch_size. Received: {side}"
            )
