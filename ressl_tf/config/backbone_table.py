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
    """

    home: str
    options: tuple[str, ...] = ()
    stems: tuple[str, ...] = ("standard", "small_maxpool", "small")


RESNET = BackboneRow(
    "ressl_tf.models.backbones.resnet:resnet",
    options=("zero_init_gamma",),
    stems=("standard", "small_maxpool", "small", "small_pad2"),
)
APPLICATION = BackboneRow("ressl_tf.models.backbones.applications:application")
VIT = BackboneRow("ressl_tf.models.backbones.vit:vit")

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
