"""Images out of the batches that `fit` and `predict` take in Python."""

from collections.abc import Collection, Mapping
from typing import Any

import tensorflow as tf

from ressl_tf.runtime.errors import UsageError

IMAGE = "image"  # the key of tfds.load


def holds_views(batch: Mapping[str, Any], needed: Collection[str]) -> bool:
    """Return whether a batch that is a dict holds finished views, or else images.

    Args:
        batch: name -> tensor.
        needed: the views of a method, those that are mixed from others left out.

    Raises:
        UsageError: it holds some of the views, or neither views nor images.
    """
    missing = sorted(set(needed) - set(batch))
    if not missing:
        return True
    if len(missing) == len(needed) and IMAGE in batch:
        return False
    raise UsageError(
        f"a batch that is a dict needs the key {IMAGE!r} with raw images, or the "
        f"method's views, {', '.join(sorted(needed))}; missing: {', '.join(missing)}. "
        f"Received: {', '.join(batch)}"
    )


def raw_images(batch: Any, channels: int = 3) -> tf.Tensor:
    """Return the images of a batch, [batch, height, width, channels] on 0..255.

    Args:
        batch: the images, or a dict that holds them as "image", as `tfds.load` gives
            it; what else it holds is left.
        channels: that they must have.

    Raises:
        UsageError: it holds no images, or of another shape.
    """
    if isinstance(batch, Mapping):
        if IMAGE not in batch:
            raise UsageError(
                f"a batch that is a dict needs the key {IMAGE!r} with raw images. "
                f"Received: {', '.join(batch)}"
            )
        batch = batch[IMAGE]
    if isinstance(batch, tf.RaggedTensor):
        raise UsageError(
            "the images of a batch are of one size: crop or resize them, as in "
            "data.map(lambda image: tf.image.resize(image, [64, 64])). Received: a "
            "ragged batch"
        )
    images = tf.convert_to_tensor(batch)
    if not (images.dtype.is_integer or images.dtype.is_floating):
        raise UsageError(
            "images must be numbers on 0..255, uint8 or float. Received: "
            f"{images.dtype.name}"
        )
    if images.shape.rank != 4 or images.shape[-1] != channels:
        hint = ", an image without a batch: .batch(n)" * (images.shape.rank == 3)
        raise UsageError(
            f"images must be [batch, height, width, {channels}] on 0..255. Received: "
            f"shape {tuple(images.shape)}{hint}"
        )
    return images
