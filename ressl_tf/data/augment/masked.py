"""Choosing at random which images of a batch to change, and changing only those."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def coin(seed: tf.Tensor, batch: Any, p: float) -> tf.Tensor:
    """Toss a coin for each image: bool [batch], each true with probability p."""
    return tf.random.stateless_uniform([batch], seed) < p


def apply_where(
    images: tf.Tensor,
    mask: tf.Tensor,
    change: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Replace the images where the mask is true by `change` of them.

    Only those images are computed.

    Args:
        images: [batch, ...].
        mask: bool [batch].
        change: maps the chosen images and their places in the batch, int64 [n, 1], to
            the changed images.
    """
    places = tf.where(mask)
    changed = change(tf.gather_nd(images, places), places)
    return tf.tensor_scatter_nd_update(images, places, changed)
