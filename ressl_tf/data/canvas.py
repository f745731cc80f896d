"""Compiled crops of photos of any size: what a box covers, on a canvas of fixed size.

XLA compiles for one size. Pixels outside the box do not count, so the box's own are cut
out and laid into the corner of the smallest of a few squares that holds them; each is
compiled when the first box needs it. What remains empty has no weight.
"""

import functools
import math

import tensorflow as tf

from ressl_tf.data import augment, one_by_one, resample

SIDES = (1, 1.25, 1.5, 2, 3, 4, 6, 8)  # of the canvases, in sides of the crop


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
    first = tf.cast(tf.floor(boxes[0, :2]), tf.int32)
    last = tf.cast(tf.math.ceil(boxes[0, :2] + boxes[0, 2:]), tf.int32)
    last = tf.minimum(last, tf.shape(images)[1:3])
    lines = tf.reshape(images, [tf.shape(images)[1], -1])  # whole rows are copied fast
    lines = lines[first[0] : last[0], 3 * first[1] : 3 * last[1]]
    moved = boxes - tf.cast(tf.pad(first, [[0, 2]]), tf.float32)

    def on(canvas):
        height, width = tf.unstack(tf.shape(lines))
        beside = tf.zeros([height, 3 * canvas - width], images.dtype)
        below = tf.zeros([canvas - height, 3 * canvas], images.dtype)
        laid = tf.concat([tf.concat([lines, beside], axis=1), below], axis=0)
        laid = tf.reshape(laid, [1, canvas, canvas, 3])
        return one_by_one.crop(laid, moved, mirrored, size, antialias)

    def by_layers():
        values = tf.cast(images, tf.float32)
        return resample.crop_and_resize(values, boxes, mirrored, size, antialias)

    canvases = [math.ceil(side * size) for side in SIDES]
    smallest = tf.searchsorted(canvases, [tf.reduce_max(last - first)])[0]
    branches = [functools.partial(on, canvas) for canvas in canvases]
    return tf.switch_case(smallest, [*branches, by_layers])
