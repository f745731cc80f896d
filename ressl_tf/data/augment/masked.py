"""Drawing which images of a batch to change, and changing only those."""

import tensorflow as tf


def coin(seed, batch, p) -> tf.Tensor:
    """Bool [batch], each true with probability p."""
    return tf.random.stateless_uniform([batch], seed) < p


def change_drawn(images, drawn, change) -> tf.Tensor:
    """Replaces the drawn images (bool [batch]) by `change` of them; computes only them.

    Args:
        change: takes the drawn images and their places, int64 [n, 1], in the batch.
    """
    places = tf.where(drawn)
    changed = change(tf.gather_nd(images, places), places)
    return tf.tensor_scatter_nd_update(images, places, changed)
