"""Views on a CPU: a compiled loop that finishes one image after another.

The layers of `data.augment.layers` change whole batches at a time, which a CPU's caches
do not hold, and select where the images differ. Here XLA compiles a loop over the
images: an image stays in the cache from its crop to its last operation, and only the
operations sampled for it run. Samples and results are those of the layers.

Inside the loop an image is "columns", float32 [width, channels, height]. Resampling and
blurring are weighted sums of lines of memory; the image is transposed between the two
directions.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf.data.augment import blur, color, resample, turns
from ressl_tf.data.augment.layers import RandomResizedCrop
from ressl_tf.data.augment.operations import (
    BLUR,
    BRIGHTNESS,
    CONTRAST,
    GREY,
    HUE,
    OPERATIONS,
    ROTATE,
    SATURATION,
    SOLARIZE,
    TRANSPOSE,
    USES,
    Layers,
    Plans,
    used_by,
)


def supports_images(images: tf.Tensor, geometric: Layers, photometric: Layers) -> bool:
    """Tell whether this loop can replace the layers on images of this, static, size."""
    return None not in images.shape[1:] and supports(geometric, photometric)


def supports(geometric: Layers, photometric: Layers) -> bool:
    """Tell whether this loop can replace layers: at most one crop, and `USES`'s."""
    return (
        bool(geometric or photometric)
        and (not geometric or is_single_crop(geometric))
        and all(type(layer) in USES for layer in photometric)
    )


def is_single_crop(geometric: Layers) -> bool:
    """Tell whether the layers are one crop and nothing else."""
    return [type(layer) for layer in geometric] == [RandomResizedCrop]


def crop(
    images: tf.Tensor,
    boxes: tf.Tensor,
    mirrored: tf.Tensor,
    size: int,
    antialias: bool = True,
    layers: Layers = (),
    plans: Plans = (),
    columns: bool = False,
) -> tf.Tensor:
    """Crop images as `resample.crop_and_resize` does, then apply photometric layers.

    Args:
        images: uint8 or float32 [batch, height, width, 3], of a static size.
        boxes: as in `resample.crop_and_resize`.
        mirrored: as in `resample.crop_and_resize`.
        size: as in `resample.crop_and_resize`.
        antialias: as in `resample.crop_and_resize`.
        layers: those of `operations.after_crop`.
        plans: operations sampled for each image, from `plan`; () without layers.
        columns: whether to return columns, float32 [batch, size, 3, size].

    Returns:
        float32 [batch, size, size, 3].
    """
    channels = images.shape[3]
    shape = [-1, size, channels, size] if columns else [-1, size, size, channels]
    run = _loop((size, antialias), used_by(layers), columns_end=columns)
    return tf.reshape(run(images, (boxes, mirrored), plans), shape)


def paint(
    images: tf.Tensor, layers: Layers, plans: Plans, columns: bool = False
) -> tf.Tensor:
    """Apply photometric layers.

    Args:
        images: float32 [batch, height, width, 3].
        layers: as in `crop`.
        plans: as in `crop`.
        columns: whether `images` are columns, float32 [batch, width, 3, height].

    Returns:
        float32 [batch, height, width, 3].
    """
    run = _loop(None, used_by(layers), columns_begin=columns)
    width, channels, height = images.shape[1:]
    if not columns:
        height, width, channels = images.shape[1:]
    return tf.reshape(run(images, (), plans), [-1, height, width, channels])


@functools.cache  # one compilation for all that do the same to images of one size
def _loop(
    cut: tuple[int, bool] | None,
    used: frozenset[int],
    columns_begin: bool = False,
    columns_end: bool = False,
) -> Callable[..., tf.Tensor]:
    """Compile a crop, `cut` = (size, antialias) or None, and the operations used."""
    # One compiled `while` over the images: `finish` takes one image from its crop to
    # its last operation while it is in the cache; the loop stores it at its place.
    # A batch of one needs no loop, and its last transposition is laid out differently.

    @tf.function(jit_compile=True, autograph=False)
    def run(images, boxes, plans):
        alone = images.shape[0] == 1
        never_negative = boxes[0][:, 0] if boxes else plans[2]  # one number per image

        def finish(number):
            materialize = functools.partial(_materialize, never_negative[number] >= 0)
            image = images[number]
            if cut:
                box, mirrored = (x[number] for x in boxes)
                columns = _crop(image, box, mirrored, *cut, materialize)
            elif columns_begin:
                columns = image
            else:
                columns = tf.transpose(tf.cast(image, tf.float32), [1, 2, 0])
            if used:
                kinds, amounts, count = (x[number] for x in plans)
                columns = _paint(columns, kinds, amounts, count, used, materialize)
            if columns_end:
                return columns
            if alone:  # as a matrix: 1.5 times as fast for a photo, slower in the loop
                return tf.transpose(tf.reshape(columns, [-1, columns.shape[2]]))
            return tf.transpose(columns, [2, 0, 1])

        if alone:
            return finish(0)
        # Not `map_fn`: an error in it leaves TensorFlow's variable scope changed.
        count = tf.shape(images)[0]
        height, width, channels = images.shape[1:]
        if columns_begin:
            width, channels, height = images.shape[1:]
        height, width = (cut[0], cut[0]) if cut else (height, width)
        of_columns = [width, channels, height]
        shape = of_columns if columns_end else [height, width, channels]
        start = 0, tf.TensorArray(tf.float32, count, element_shape=shape)
        _, finished = tf.while_loop(
            lambda number, _: number < count,
            lambda number, done: (number + 1, done.write(number, finish(number))),
            start,
        )
        return finished.stack()

    return run


def _materialize(always: tf.Tensor, function: Callable, *arguments: tf.Tensor) -> Any:
    """Compute `function(*arguments)` once and keep it in memory, as a barrier.

    Without this optimization barrier XLA computes it anew inside each operation that
    reads it, and for a transposed one in the worst order. XLA does not look into a
    condition, and it cannot know that `always` is true.
    """
    like = tf.function(function, autograph=False).get_concrete_function(*arguments)

    def zeros():
        return tf.nest.map_structure(
            lambda result: tf.zeros(result.shape, result.dtype), like.structured_outputs
        )

    return tf.cond(always, lambda: function(*arguments), zeros)


def _add_lines(image: tf.Tensor, numbers: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Add up lines of an image [n, ...], whose numbers and weights are [size, k]."""
    weights = tf.reshape(weights, [*weights.shape, *[1] * (image.shape.rank - 1)])
    lines = [tf.gather(image, column) for column in tf.unstack(numbers, axis=1)]
    return tf.add_n(
        [weights[:, k] * tf.cast(line, tf.float32) for k, line in enumerate(lines)]
    )


def _crop(
    image: tf.Tensor,
    box: tf.Tensor,
    mirrored: tf.Tensor,
    size: int,
    antialias: bool,
    materialize: Callable,
) -> tf.Tensor:
    """Crop one image [height, width, 3] to columns [size, 3, size]."""
    height, width, channels = image.shape
    top, left, tall, wide = tf.unstack(box)
    left = tf.where(mirrored, left + wide, left)  # a mirrored box is read backwards
    wide = tf.where(mirrored, -wide, wide)
    visible = resample.visible_lines
    rows = materialize(visible, top, tall, height, size, antialias)
    columns = materialize(visible, left, wide, width, size, antialias)
    flat = tf.reshape(image, [height, width * channels])
    lines = materialize(_add_lines, flat, *rows)
    lines = materialize(tf.transpose, lines)  # [width * channels, size]

    def added(lines, *columns):
        lines = tf.reshape(lines, [width, channels, size])
        return tf.reshape(_add_lines(lines, *columns), [size * channels, size])

    return tf.reshape(materialize(added, lines, *columns), [size, channels, size])


def _paint(
    columns: tf.Tensor,
    kinds: tf.Tensor,
    amounts: tf.Tensor,
    count: tf.Tensor,
    used: frozenset[int],
    materialize: Callable,
) -> tf.Tensor:
    """Apply the first `count` operations to one image, each by its amount."""
    # An interpreter of the image's plan: a `while` over its operations, and a switch
    # that runs the one whose turn it is. Only operations of the layers become branches
    # (`used`), so XLA compiles no others; `branch_of` maps an operation to its branch.
    change: dict[int, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
        BRIGHTNESS: lambda x, factor: factor * x,
        CONTRAST: lambda x, factor: factor * x + (1 - factor) * _mean_grey(x),
        SATURATION: lambda x, factor: factor * x + (1 - factor) * color.grey(x),
        HUE: color.shift_hue,
        GREY: lambda x, _: tf.repeat(color.grey(x), 3, axis=1),
        BLUR: lambda x, sigma: _blur(x, sigma, materialize),
        SOLARIZE: color.solarize,
        TRANSPOSE: lambda x, _: tf.transpose(x, [2, 1, 0]),
        ROTATE: _rotate,
    }
    if not color.has_colours(columns):
        change |= dict.fromkeys((SATURATION, HUE, GREY), lambda x, _: x)
    compiled = sorted(used)
    branch_of = tf.constant([compiled.index(k) if k in used else 0 for k in OPERATIONS])

    def step(position, columns):
        def changed(kind):
            result = change[kind](columns, tf.gather(amounts, position))
            blends = kind in (BRIGHTNESS, CONTRAST, SATURATION)
            return tf.clip_by_value(result, 0.0, 255.0) if blends else result

        branches = [functools.partial(changed, kind) for kind in compiled]
        branch = tf.gather(branch_of, tf.gather(kinds, position))
        return position + 1, tf.switch_case(branch, branches)

    return tf.while_loop(lambda position, _: position < count, step, (0, columns))[1]


def _rotate(columns: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    transposed = tf.transpose(columns, [0, 2, 1])[None]  # turns the other way round
    return tf.transpose(turns.rotate(transposed, -angle[None])[0], [0, 2, 1])


def _mean_grey(columns: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(color.grey(columns))


def _blur(columns: tf.Tensor, sigma: tf.Tensor, materialize: Callable) -> tf.Tensor:
    blur.check_sides(columns.shape[::2])
    kernel = blur.gaussian(sigma[None])[0]
    for _ in range(2):
        columns = materialize(_blur_lines, columns, kernel)
        columns = materialize(tf.transpose, columns)
    return columns


def _blur_lines(image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    size = image.shape[0]
    numbers = np.arange(size)[:, None] + np.arange(-blur.RADIUS, blur.RADIUS + 1)
    numbers = size - 1 - np.abs(size - 1 - np.abs(numbers))  # reflected at the ends
    weights = tf.repeat(kernel[None], size, axis=0)
    return _add_lines(image, tf.constant(numbers, tf.int32), weights)
