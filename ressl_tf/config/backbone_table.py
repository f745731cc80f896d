"""One row a backbone: its name on the command line and what it can be told.

The table is data: a backbone is named by the module and function that make it, which
`models.backbones` loads when one is built.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class BackboneRow:
    """How a backbone is made.

    Attributes:
        home: "module:function", called as (name, **options).
        options: flags that it heeds besides --width and --batch_norm.
        stems: values of --stem that it has.
        fixed_size: whether it takes images of the size it was built for alone.
        block: how the names of a block's layers begin, a regular expression: layers in
            a row with the same beginning are one block, which layer-wise learning rates
            count; a layer that it does not match is a block of its own.
    """

    home: str
    options: tuple[str, ...] = ()
    stems: tuple[str, ...] = ("standard", "small_maxpool", "small")
    fixed_size: bool = False
    block: str = r"[a-z]+_?\d+"  # layer1_0_conv2 -> layer1; block2a_bn -> block2


RESNET = BackboneRow(
    "ressl_tf.models.backbones.resnet:resnet",
    options=("zero_init_gamma",),
    stems=("standard", "small_maxpool", "small", "small_pad2"),
)
APPLICATION = BackboneRow("ressl_tf.models.backbones.applications:application")
VIT = BackboneRow("ressl_tf.models.backbones.vit:vit", fixed_size=True)

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
    "convnext_tiny": APPLICATION,
    "vit_small": VIT,
}
NAMES = tuple(BACKBONES)
STEMS = RESNET.stems
SPLIT_GROUPS = 8  # the official small-image code splits a batch like 8 devices
