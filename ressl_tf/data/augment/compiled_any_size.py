"""Compiled crops of photos of any size: the box on a canvas of fixed size.

XLA compiles for one size. Pixels outside the box do not count, so it is given a window
of the photo instead: the smallest of a few square canvases that holds the box, padded
where the photo ends. Each is compiled when the first box needs it.
"""

import functools
from collections.abc import Sequence

import tensorflow as tf

from ressl_tf.data.augment import compiled_loop, resample
from ressl_tf.data.augment.compiled_loop import Plans
from ressl_tf.data.augment.oriented import turned_crops
from ressl_tf.data.augment.seeded import SeededAugmentation

SIDES = (1, 8 / 7, 1.5, 2, 3, 4, 6, 8)  # of the canvases, in sides of the crop


def crop(
    images: tf.Tensor,
    boxes: tf.Tensor,
    mirrored: tf.Tensor,
    size: int,
    antialias: bool = True,
    layers: Sequence[SeededAugmentation] = (),
    plans: Plans = (),
    transposed: tf.Tensor | None = None,
) -> tf.Tensor:
    """Crop one photo of any size, as `compiled_loop.crop` does.

    Args:
        images: uint8 or float32 [1, height, width, 3].
        boxes: as there. A box that no canvas holds goes to `resample.crop_and_resize`.
        mirrored: as there.
        size: as there.
        antialias: as there.
        layers: as there.
        plans: as there.
        transposed: bool []: whether rows and columns of the crop change places.

    Returns:
        float32 [1, size, size, 3].
    """
    sides = tf.shape(images)[1:3]
    first, last = _extent(boxes[0], sides)
    channels = images.shape[3]
    lines = tf.reshape(images, [sides[0], -1])  # a window copies whole rows

    def crop_on(canvas):
        corner = tf.maximum(tf.minimum(first, sides - canvas), 0)
        window = _window(lines, corner, canvas, channels)
        moved = boxes - tf.cast(tf.pad(corner, [[0, 2]]), tf.float32)
        return compiled_loop.crop(
            window, moved, mirrored, size, antialias, columns=bool(layers)
        )

    def crop_without_canvas():
        values = tf.cast(images, tf.float32)
        crops = resample.crop_and_resize(values, boxes, mirrored, size, antialias)
        return tf.transpose(crops, [0, 2, 3, 1]) if layers else crops

    canvases = [round(side * size) for side in SIDES]
    smallest = tf.searchsorted(canvases, [tf.reduce_max(last - first)])[0]
    branches = [functools.partial(crop_on, canvas) for canvas in canvases]
    crops = tf.switch_case(smallest, [*branches, crop_without_canvas])
    if transposed is not None:
        crops = turned_crops(
            crops, transposed, (0, 3, 2, 1) if layers else (0, 2, 1, 3)
        )
    return compiled_loop.paint(crops, layers, plans, columns=True) if layers else crops


def _extent(box: tf.Tensor, sides: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first row and column of a box, and those after its last, int32 [2]."""
    ends = box[:2], box[:2] + box[2:]  # the other way round if it is read backwards
    first = tf.cast(tf.floor(tf.minimum(*ends)), tf.int32)
    last = tf.cast(tf.math.ceil(tf.maximum(*ends)), tf.int32)
    return first, tf.minimum(last, sides)


def _window(
    lines: tf.Tensor, corner: tf.Tensor, canvas: int, channels: int
) -> tf.Tensor:
    """Copy a window from `corner` on, padded by 0: [1, canvas, canvas, channels].

    Args:
        lines: the photo, [height, channels * width].
        corner: first row and column, int32 [2].
        canvas: side of the window.
        channels: of the photo.
    """
    top, left = tf.unstack(corner)
    seen = lines[top : top + canvas, channels * left : channels * (left + canvas)]
    height, width = tf.unstack(tf.shape(seen))

    def padded():
        beside = tf.zeros([height, channels * canvas - width], lines.dtype)
        below = tf.zeros([canvas - height, channels * canvas], lines.dtype)
        return tf.concat([tf.concat([seen, beside], axis=1), below], axis=0)

    whole = (height == canvas) & (width == channels * canvas)
    window = tf.cond(whole, lambda: seen, padded)
    return tf.reshape(window, [1, canvas, canvas, channels])
