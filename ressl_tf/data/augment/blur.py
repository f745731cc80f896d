"""Gaussian blur with one sigma per image."""

from collections.abc import Sequence

import tensorflow as tf

from ressl_tf.runtime.errors import UsageError

# Up to sigma 2 the two tails beyond six pixels weigh .0012 together, below 1/255:
# a wider kernel would change no 8-bit level.
RADIUS = 6
LARGEST_SIGMA = 2.0


def check_sides(sides: Sequence[int | None]) -> None:
    """Refuse images too small for borders that are reflected once.

    Raises:
        UsageError: a known side has at most RADIUS pixels.
    """
    if any(side is not None and side <= RADIUS for side in sides):
        raise UsageError(
            f"GaussianBlur needs images of at least {RADIUS + 1} pixels a side. "
            f"Received: {sides}"
        )


def gaussian(sigma: tf.Tensor) -> tf.Tensor:
    """Make normalised kernels [batch, 2 * RADIUS + 1] of sigma [batch], in pixels."""
    offsets = tf.range(-RADIUS, RADIUS + 1, dtype=tf.float32)
    return tf.nn.softmax(-0.5 * tf.square(offsets / sigma[:, None]))


def blur_matrix(sigma: tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    """Return the blur of a line of `size` pixels as a matrix, reflected at the ends.

    Returns:
        float32 [batch, size, size]; every row sums to one.
    """
    target = tf.range(size)[:, None]
    source = tf.abs(target + tf.range(-RADIUS, RADIUS + 1))  # reflected at 0
    source = size - 1 - tf.abs(size - 1 - source)  # and at size - 1
    taps = tf.one_hot(source, size)  # [size, taps, size]
    return tf.einsum("bt,xts->bxs", gaussian(sigma), taps)


def blur(planes: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blur images [batch, 3, height, width] by sigma [batch], in pixels."""
    height, width = tf.shape(planes)[2], tf.shape(planes)[3]
    rows = blur_matrix(sigma, height)[:, None]  # [batch, 1, height, height]
    columns = blur_matrix(sigma, width)[:, None]
    return rows @ tf.matmul(planes, columns, transpose_b=True)
