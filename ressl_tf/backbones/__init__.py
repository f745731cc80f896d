"""Backbones by name."""

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")
APPLICATIONS = (
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "convnext_tiny",
)
VITS = ("vit_small",)
SPLIT_GROUPS = 8  # the official small-image code splits a batch like 8 devices
NAMES = (*RESNETS, *APPLICATIONS, *VITS)


def build(name: str, **options):
    """The backbone called `name`; `options` are those of `resnet.resnet`.

    Every network takes all of them: `image_size`, `stem`, `width`, `batch_norm` and
    `zero_init_gamma`. The stems are strides, the same in all: from image to feature map
    32 with "standard", 16 with "small_maxpool", 8 with "small"; half of it in a ViT.

    Raises:
        UsageError: for an unknown name, or an option that the network cannot have.
    """
    from ressl_tf.errors import UsageError

    if name not in NAMES:
        raise UsageError(
            f"--backbone must be one of {', '.join(NAMES)}. Received: {name}"
        )
    # TensorFlow loads only when one is built.
    if name in RESNETS:
        from ressl_tf.backbones.resnet import resnet as make
    elif name in VITS:
        from ressl_tf.backbones.vit import vit as make
    else:
        from ressl_tf.backbones.applications import application as make
    if options.get("stem") == "small_pad2" and name not in RESNETS:
        raise UsageError(
            "--stem=small_pad2 is of the ResNets; take small. Received: "
            f"--backbone={name}"
        )
    if options.get("zero_init_gamma") and name not in RESNETS:
        raise UsageError(
            "--zero_init_gamma is of the ResNets, whose shortcuts carry every block. "
            f"Received: --backbone={name}"
        )
    return make(name, **options)
