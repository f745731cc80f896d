"""Compiled crops of photos of any size: the box on a canvas of fixed size.

XLA compiles for one size. Pixels outside the box do not count, so it sees a window of
the photo instead: the smallest of a few squares that holds the box, filled up where
the photo ends. Each is compiled when the first box needs it.
"""

import functools

import tensorflow as tf

from ressl_tf.data.augment import compiled_loop, resample

SIDES = (1, 8 / 7, 1.5, 2, 3, 4, 6, 8)  # of the canvases, in sides of the crop


def crop(images, boxes, mirrored, size, antialias=True, layers=(), plans=()):
    """`one_by_one.crop` of one photo of any size.

    Args:
        images: uint8 or float32 [1, height, width, 3].
        boxes, mirrored, size, antialias, layers, plans: as there. A box that no canvas
            holds goes to `resample.crop_and_resize`.

    Returns:
        float32 [1, size, size, 3].
    """
    sides = tf.shape(images)[1:3]
    first = tf.cast(tf.floor(boxes[0, :2]), tf.int32)
    last = tf.cast(tf.math.ceil(boxes[0, :2] + boxes[0, 2:]), tf.int32)
    last = tf.minimum(last, sides)
    lines = tf.reshape(images, [sides[0], -1])  # of a window, whole rows are copied

    def on(canvas):
        corner = tf.maximum(tf.minimum(first, sides - canvas), 0)
        laid = _window(lines, corner, canvas)
        moved = boxes - tf.cast(tf.pad(corner, [[0, 2]]), tf.float32)
        return compiled_loop.crop(
            laid, moved, mirrored, size, antialias, columns=bool(layers)
        )

    def by_layers():
        values = tf.cast(images, tf.float32)
        crops = resample.crop_and_resize(values, boxes, mirrored, size, antialias)
        return tf.transpose(crops, [0, 2, 3, 1]) if layers else crops

    canvases = [round(side * size) for side in SIDES]
    smallest = tf.searchsorted(canvases, [tf.reduce_max(last - first)])[0]
    branches = [functools.partial(on, canvas) for canvas in canvases]
    crops = tf.switch_case(smallest, [*branches, by_layers])
    return compiled_loop.paint(crops, layers, plans, columns=True) if layers else crops


def _window(lines, corner, canvas):
    """[height, 3 * width] from a corner on, filled up by 0: [1, canvas, canvas, 3]."""
    top, left = tf.unstack(corner)
    seen = lines[top : top + canvas, 3 * left : 3 * (left + canvas)]
    height, width = tf.unstack(tf.shape(seen))

    def filled():
        beside = tf.zeros([height, 3 * canvas - width], lines.dtype)
        below = tf.zeros([canvas - height, 3 * canvas], lines.dtype)
        return tf.concat([tf.concat([seen, beside], axis=1), below], axis=0)

    whole = (height == canvas) & (width == 3 * canvas)
    return tf.reshape(tf.cond(whole, lambda: seen, filled), [1, canvas, canvas, 3])
