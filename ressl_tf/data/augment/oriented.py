"""Photos as they are stored, whose EXIF says how they are turned.

To turn a photo copies it, and a phone's has twelve million pixels. So boxes are chosen
on the photo as it is seen, cut out of it as it is stored, and only the crop is turned.
"""

from collections.abc import Sequence

import tensorflow as tf

STORED_UPRIGHT = 1
ROWS = (3, 4, 7, 8)  # orientations whose rows are read from below
COLUMNS = (2, 3, 6, 7)  # and whose columns are read from the right, once transposed


def is_transposed(orientation: tf.Tensor) -> tf.Tensor:
    """Whether rows and columns change places, bool []."""
    return (orientation >= 5) & (orientation <= 8)


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn and mirror [height, width, c] as `PIL.ImageOps.exif_transpose` does.

    Args:
        image: as it is stored.
        orientation: int32 [], 1 to 8; anything else is taken for 1.
    """

    def turned():
        transposed = tf.cond(
            is_transposed(orientation), lambda: _transposed(image), lambda: image
        )
        rows, columns = _is_one_of(orientation, ROWS), _is_one_of(orientation, COLUMNS)
        mirrored = tf.stack([rows, columns, False])
        return tf.raw_ops.Reverse(tensor=transposed, dims=mirrored)

    needed = (orientation >= 2) & (orientation <= 8)
    return tf.cond(needed, turned, lambda: image)


def _transposed(image: tf.Tensor) -> tf.Tensor:
    """Swap rows and columns, pixel by pixel.

    Where `tf.transpose` of uint8 is in a graph, oneDNN writes an error into the log.
    """
    height, width, channels = tf.unstack(tf.shape(image))
    places = tf.range(height) * width + tf.range(width)[:, None]
    pixels = tf.gather(tf.reshape(image, [height * width, channels]), places)
    return tf.ensure_shape(pixels, [None, None, image.shape[2]])


def upright_sides(stored: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Return height and width as a photo is seen, int32 [2], of those it is stored."""
    height, width = tf.unstack(stored)
    swapped = tf.stack([width, height])
    return tf.where(is_transposed(orientation), swapped, stored)


def on_stored(
    boxes: tf.Tensor, mirrored: tf.Tensor, sides: tf.Tensor, orientation: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Say where boxes of a photo as it is seen lie in it as it is stored.

    Crops of these are those of the photo as it is seen, but for their rows and columns,
    which change places where `is_transposed` is true.

    Args:
        boxes: as of `resample.crop_and_resize`, float32 [n, 4].
        mirrored: as there, bool [n].
        sides: of the photo as it is seen, int32 [2].
        orientation: int32 [].

    Returns:
        boxes and mirrored, for `resample.crop_and_resize`.
    """
    top, left, height, width = tf.unstack(boxes, axis=1)
    seen_height, seen_width = tf.unstack(tf.cast(sides, tf.float32))
    from_below = _is_one_of(orientation, ROWS)
    top = tf.where(from_below, seen_height - top, top)
    height = tf.where(from_below, -height, height)
    from_right = _is_one_of(orientation, COLUMNS)
    left = tf.where(from_right, seen_width - left - width, left)
    mirrored ^= from_right
    straight = tf.stack([top, left, height, width], axis=1)
    rows = tf.where(mirrored, left + width, left), tf.where(mirrored, -width, width)
    columns = tf.minimum(top, top + height), tf.abs(height)
    swapped = tf.stack([rows[0], columns[0], rows[1], columns[1]], axis=1)
    is_swapped = is_transposed(orientation)
    return (
        tf.where(is_swapped, swapped, straight),
        tf.where(is_swapped, height < 0, mirrored),
    )


def turned_crops(
    crops: tf.Tensor, transposed: tf.Tensor, perm: Sequence[int]
) -> tf.Tensor:
    """Let rows and columns of square crops change places, where `transposed` says so.

    Args:
        crops: float32, of rank 4.
        transposed: bool [].
        perm: the order of the axes that swaps rows and columns.
    """
    return tf.cond(transposed, lambda: tf.transpose(crops, perm), lambda: crops)


def _is_one_of(orientation: tf.Tensor, some: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(orientation == tf.constant(some))
