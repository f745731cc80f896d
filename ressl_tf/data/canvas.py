"""Compiled crops of photos of any size: the box on a canvas of fixed size.

XLA compiles for one size. Pixels outside the box do not count, so it sees a window of
the photo instead: the smallest of a few squares that holds the box, filled up where
the photo ends. Each is compiled when the first box needs it.
"""

import functools

import tensorflow as tf

from ressl_tf.data import augment, one_by_one, resample

SIDES = (1, 8 / 7, 1.5, 2, 3, 4, 6, 8)  # of the canvases, in sides of the crop


def covers(images, geometric, photometric) -> bool:
    """Whether it takes the layers' place: for one photo, and one crop of it alone."""
    kinds = [type(layer) for layer in geometric]
    return (
        images.shape[0] == 1
        and kinds == [augment.RandomResizedCrop]
        and (not photometric)
    )


def crop(images, boxes, mirrored, size, antialias=True) -> tf.Tensor:
    """`resample.crop_and_resize` of one photo of any size.

    Args:
        images: uint8 or float32 [1, height, width, 3].
        boxes, mirrored, size, antialias: as `resample.crop_and_resize` has them. A box
            that no canvas holds goes there.

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
        return one_by_one.crop(laid, moved, mirrored, size, antialias)

    def by_layers():
        values = tf.cast(images, tf.float32)
        return resample.crop_and_resize(values, boxes, mirrored, size, antialias)

    canvases = [round(side * size) for side in SIDES]
    smallest = tf.searchsorted(canvases, [tf.reduce_max(last - first)])[0]
    branches = [functools.partial(on, canvas) for canvas in canvases]
    return tf.switch_case(smallest, [*branches, by_layers])


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
