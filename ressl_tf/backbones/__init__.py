"""Backbones by name."""

NAMES = ("resnet18", "resnet34", "resnet50")


def build(name: str, **options):
    """The backbone called `name`; `options` are those of `resnet.resnet`.

    Raises:
        UsageError: for an unknown name.
    """
    from ressl_tf.backbones import resnet  # TensorFlow loads only when one is built
    from ressl_tf.errors import UsageError

    if name not in NAMES:
        raise UsageError(
            f"--backbone must be one of {', '.join(NAMES)}. Received: {name}"
        )
    return resnet.resnet(name, **options)
