"""Turns of square crops, where up and down mean nothing: microscopes, satellites.

Mirroring costs nothing in a crop, which reads its box backwards. A quarter turn is a
transposition of a mirrored crop, so that crops turned by 90 degrees keep their values.
Other angles resample the crop once more, bilinearly, with reflected borders.
"""

import math

import tensorflow as tf

from ressl_tf.data.augment.masked import coin
from ressl_tf.runtime.errors import UsageError

Turns = dict[str, tf.Tensor]


def check(vertical_flip_prob: float, rotation: float) -> None:
    """Refuse options out of their range.

    Raises:
        UsageError: says which.
    """
    if not 0 <= vertical_flip_prob <= 1:
        raise UsageError(
            f"vertical_flip_prob must be within 0..1. Received: {vertical_flip_prob}"
        )
    if not 0 <= rotation <= 180:
        raise UsageError(f"rotation must be within 0..180. Received: {rotation}")


def sample(
    seed: tf.Tensor,
    mirrored: tf.Tensor,
    vertical_flip_prob: float,
    quarter_turns: bool,
    rotation: float,
) -> Turns:
    """Sample the turns of a batch; an option that is off draws nothing.

    Args:
        seed: int32 [2], of the crop.
        mirrored: bool [batch]: which crops are mirrored left and right.
        vertical_flip_prob: probability to mirror up and down.
        quarter_turns: whether to turn by 0, 90, 180 or 270 degrees, drawn evenly.
        rotation: largest angle in degrees, drawn from U(-rotation, rotation).

    Returns:
        What the crop has to do, in this order: "mirrored", and where they can be
        needed "upside_down", "transposed" (bool [batch]) and "angle" (float32 [batch],
        radians, counter-clockwise).
    """
    batch = tf.shape(mirrored)[0]
    seeds = [tf.random.experimental.stateless_fold_in(seed, i) for i in (1, 2, 3)]
    turns = {"mirrored": mirrored}
    if vertical_flip_prob or quarter_turns:
        turns["upside_down"] = coin(seeds[0], batch, vertical_flip_prob)
    if quarter_turns:
        count = tf.random.stateless_uniform([batch], seeds[1], 0, 4, tf.int32)
        turns["mirrored"] ^= (count == 1) | (count == 2)
        turns["upside_down"] ^= count >= 2
        turns["transposed"] = count % 2 == 1
    if rotation:
        largest = math.radians(rotation)
        turns["angle"] = tf.random.stateless_uniform(
            [batch], seeds[2], -largest, largest
        )
    return turns


def apply(images: tf.Tensor, turns: Turns) -> tf.Tensor:
    """Transpose and rotate crops that are mirrored already.

    Args:
        images: float32 [batch, size, size, 3].
        turns: from `sample`.
    """
    if "transposed" in turns:
        chosen = turns["transposed"][:, None, None, None]
        images = tf.where(chosen, tf.transpose(images, [0, 2, 1, 3]), images)
    return rotate(images, turns["angle"]) if "angle" in turns else images


def rotate(images: tf.Tensor, angles: tf.Tensor) -> tf.Tensor:
    """Rotate images about their centre, bilinearly; beyond a border they are mirrored.

    Args:
        images: float32 [batch, height, width, 3].
        angles: float32 [batch], in radians, counter-clockwise.
    """
    _, height, width, channels = images.shape
    height, width = height or tf.shape(images)[1], width or tf.shape(images)[2]
    rows, columns = _sources(angles, height, width)  # float32 [batch, height * width]
    top, left = tf.floor(rows), tf.floor(columns)
    below, right = (rows - top)[..., None], (columns - left)[..., None]
    lines = tf.reshape(images, [tf.shape(images)[0], height * width, channels])

    def pixels(row, column):
        place = _reflect(row, height) * width + _reflect(column, width)
        return tf.gather(lines, place, batch_dims=1)

    upper = (1 - right) * pixels(top, left) + right * pixels(top, left + 1)
    lower = (1 - right) * pixels(top + 1, left) + right * pixels(top + 1, left + 1)
    return tf.reshape((1 - below) * upper + below * lower, tf.shape(images))


def _sources(
    angles: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the row and the column that each pixel of a rotated image comes from."""
    middle = [(tf.cast(side, tf.float32) - 1) / 2 for side in (height, width)]
    number = tf.range(height * width)[None]
    y = tf.cast(number // width, tf.float32) - middle[0]
    x = tf.cast(number % width, tf.float32) - middle[1]
    cos, sin = tf.cos(angles)[:, None], tf.sin(angles)[:, None]
    return sin * x + cos * y + middle[0], cos * x - sin * y + middle[1]


def _reflect(places: tf.Tensor, side: int | tf.Tensor) -> tf.Tensor:
    """Reflect whole numbers into 0..side-1, once; farther ones stop at an end."""
    last = side - 1
    places = last - tf.abs(last - tf.abs(tf.cast(places, tf.int32)))
    return tf.clip_by_value(places, 0, last)
