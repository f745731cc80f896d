"""Backbones by name; a name that is not here fails with the names that are."""

import keras

from ressl_tf.backbones import resnet
from ressl_tf.errors import UsageError

NAMES = tuple(resnet.BLOCKS)


def build(name: str, **options) -> keras.Model:
    """The backbone called `name`; `options` are those of `resnet.resnet`.

    Raises:
        UsageError: for an unknown name.
    """
    if name not in NAMES:
        raise UsageError(
            f"--backbone must be one of {', '.join(NAMES)}. Received: {name}"
        )
    return resnet.resnet(name, **options)
