"""Views on a CPU: a compiled loop that finishes one image after another.

The layers of `data.augment` change whole batches at a time, which a CPU's caches do not
hold, and select where the images differ. Here XLA compiles a loop over the images: an
image stays in the cache from its crop to its last change and runs only what it drew.
The draws are those of the layers, and so are the results.

Inside the loop an image is "columns", float32 [width, 3, height], and each operation a
function (columns, draw, apart) -> columns. To resample or to blur is to add up lines of
memory by weights; between the two directions the image is transposed.
"""

import functools

import numpy as np
import tensorflow as tf

from ressl_tf.data import augment, blur, color, resample

HUE = 3  # after color's BRIGHTNESS, CONTRAST and SATURATION


def covers(layers) -> bool:
    """Whether every one of these layers has a form for one image."""
    return all(type(layer) in OPERATIONS for layer in layers)


def crop(images, boxes, mirrored, size, antialias=True, layers=(), drawn=()):
    """`resample.crop_and_resize`, then photometric layers.

    Args:
        images: uint8 or float32 [batch, height, width, 3], of a static size.
        boxes, mirrored, size, antialias: as `resample.crop_and_resize` has them.
        layers: photometric layers of `data.augment`.
        drawn: their transformations of this batch, as their `draw` makes them.

    Returns:
        float32 [batch, size, size, 3].
    """
    height, width = images.shape[1:3]
    top, left, tall, wide = tf.unstack(boxes, axis=1)
    left = tf.where(mirrored, left + wide, left)  # a mirrored box is read backwards
    wide = tf.where(mirrored, -wide, wide)
    lines = (
        resample.visible_lines(top, tall, height, size, antialias),
        resample.visible_lines(left, wide, width, size, antialias),
    )
    return _run((_crop,), (lines,), images, layers, drawn)


def paint(images, layers, drawn):
    """Photometric layers on float32 [batch, height, width, 3]; as `crop` has them."""
    return _run((), (), images, layers, drawn)


def _run(operations, draws, images, layers, drawn):
    """The operations with their draws [batch, ...], followed by those of the layers."""
    pairs = [OPERATIONS[type(layer)] for layer in layers]
    draws += tuple(
        of_images(layer, transformations)
        for (_, of_images), layer, transformations in zip(
            pairs, layers, drawn, strict=True
        )
    )
    operations += tuple(operation for operation, _ in pairs)
    always = tf.fill([tf.shape(images)[0]], True)
    return _loop(operations)(images, draws, always)


@functools.cache  # one compilation for all that do the same to images of one size
def _loop(operations):
    @tf.function(jit_compile=True, autograph=False)
    def run(images, draws, always):
        size = [draws[0][i][0].shape[1] for i in (0, 1)] if _crop in operations else ()
        shape = [*size, 3] if size else images.shape[1:]
        spec = tf.TensorSpec(shape, tf.float32)

        def finish(one):
            return _finish(operations, *one)

        return tf.map_fn(finish, (images, draws, always), fn_output_signature=spec)

    return run


def _finish(operations, image, draws, always):
    apart = functools.partial(_apart, always)
    if _crop in operations:
        columns = image  # that cuts rows first
    else:
        columns = tf.transpose(tf.cast(image, tf.float32), [1, 2, 0])
    for operation, draw in zip(operations, draws, strict=True):
        columns = operation(columns, draw, apart)
    return tf.transpose(columns, [2, 0, 1])


def _apart(always, compute, shape):
    """The result of `compute()`, kept in memory.

    Otherwise XLA computes it anew inside of each operation that reads it, and for a
    transposed one in the worst order. It does not look into a condition, and it cannot
    know that `always` is true.
    """
    return tf.cond(always, compute, lambda: tf.zeros(shape))


def _add_lines(image, lines):
    """Sums of lines of an image [n, ...]: (their numbers, weights), both [size, k]."""
    numbers, weights = lines
    weights = tf.reshape(weights, [*weights.shape, *[1] * (image.shape.rank - 1)])
    return tf.add_n(
        [
            weights[:, k] * tf.cast(tf.gather(image, numbers[:, k]), tf.float32)
            for k in range(numbers.shape[1])
        ]
    )


def _crop(image, lines, apart):
    rows, columns = lines
    size, width = rows[0].shape[0], image.shape[1]
    flat = tf.reshape(image, [image.shape[0], width * 3])
    cut = apart(lambda: _add_lines(flat, rows), [size, width * 3])
    cut = apart(lambda: tf.transpose(cut), [width * 3, size])
    cut = tf.reshape(cut, [width, 3, size])
    return apart(lambda: _add_lines(cut, columns), [columns[0].shape[0], 3, size])


def _jitter(columns, draw, apart):
    kinds, amounts, drawn = draw
    grey_mean = lambda image: tf.reduce_mean(color.grey(image))  # noqa: E731

    def step(position, image):
        amount = amounts[position]
        changed = tf.switch_case(
            kinds[position],
            [
                lambda: tf.clip_by_value(amount * image, 0.0, 255.0),
                lambda: tf.clip_by_value(
                    amount * image + (1 - amount) * grey_mean(image), 0.0, 255.0
                ),
                lambda: tf.clip_by_value(
                    amount * image + (1 - amount) * color.grey(image), 0.0, 255.0
                ),
                lambda: color.shift_hue(image, amount),
            ],
        )
        return position + 1, changed

    def changed():
        return tf.while_loop(lambda i, _: i < 4, step, (0, columns))[1]

    return tf.cond(drawn, changed, lambda: columns)


def _jitter_of_images(layer, drawn):
    """The four kinds and amounts of every image in its order, and whether it has any."""
    batch = tf.shape(drawn["shift"])[0]
    dealt = tf.argsort(drawn["order"])[:batch]
    hue_position = dealt // (tf.size(drawn["order"]) // 4)
    hue_key = 2 * hue_position[:, None] - 1  # among the keys 0, 2, 4 of the blends
    keys = tf.concat([tf.tile([[0, 2, 4]], [batch, 1]), hue_key], axis=1)
    order = tf.argsort(keys)
    kinds = tf.concat([drawn["kinds"], tf.fill([batch, 1], HUE)], axis=1)
    amounts = tf.concat([drawn["factors"], drawn["shift"][:, None]], axis=1)
    changed = tf.reduce_any(amounts != [1.0, 1.0, 1.0, 0.0], axis=1)
    kinds, amounts = (tf.gather(x, order, batch_dims=1) for x in (kinds, amounts))
    return kinds, amounts, changed


def _grey(columns, drawn, apart):
    def changed():
        return tf.repeat(color.grey(columns), 3, axis=1)

    return tf.cond(drawn, changed, lambda: columns)


def _blur(columns, draw, apart):
    kernel, drawn = draw
    width, _, height = columns.shape

    def changed():
        image = apart(lambda: _blur_lines(columns, kernel), [width, 3, height])
        image = apart(lambda: tf.transpose(image), [height, 3, width])
        image = apart(lambda: _blur_lines(image, kernel), [height, 3, width])
        return tf.transpose(image)

    return tf.cond(drawn, changed, lambda: columns)


def _blur_lines(image, kernel):
    size = image.shape[0]
    numbers = np.arange(size)[:, None] + np.arange(-blur.RADIUS, blur.RADIUS + 1)
    numbers = size - 1 - np.abs(size - 1 - np.abs(numbers))  # reflected at the ends
    weights = tf.repeat(kernel[None], size, axis=0)
    return _add_lines(image, (tf.constant(numbers, tf.int32), weights))


def _solarize(columns, draw, apart):
    threshold, drawn = draw
    return tf.cond(
        drawn, lambda: color.solarize(columns, threshold), lambda: columns
    )


def _solarize_of_images(layer, drawn):
    return tf.fill(tf.shape(drawn), float(layer.threshold)), drawn


OPERATIONS = {  # of a layer: what it does to one image, its draws image by image
    augment.ColorJitter: (_jitter, _jitter_of_images),
    augment.RandomGrayscale: (_grey, lambda layer, drawn: drawn),
    augment.GaussianBlur: (
        _blur,
        lambda layer, drawn: (blur.gaussian(drawn["sigma"]), drawn["drawn"]),
    ),
    augment.RandomSolarize: (_solarize, _solarize_of_images),
}
