"""Views on a CPU: a compiled loop that finishes one image after another.

The layers of `data.augment.layers` change whole batches at a time, which a CPU's caches
do not hold, and select where the images differ. Here XLA compiles a loop over the
images: an image stays in the cache from its crop to its last change and runs only what
it drew.
The draws are those of the layers, and so are the results.

Inside the loop an image is "columns", float32 [width, 3, height]. To resample or to
blur is to add up lines of memory by weights; between the two directions it is
transposed.
"""

import functools

import numpy as np
import tensorflow as tf

from ressl_tf.data.augment import blur, color, resample
from ressl_tf.data.augment import layers as augment

BRIGHTNESS, CONTRAST, SATURATION, HUE, GREY, BLUR, SOLARIZE = OPERATIONS = range(7)


def covers(images, geometric, photometric) -> bool:
    """Whether this loop can take the layers' place on these images.

    It takes images of a static size.
    """
    return None not in images.shape[1:] and knows(geometric, photometric)


def knows(geometric, photometric) -> bool:
    """Whether it has a form for the layers: at most one crop, and those of `PLANS`."""
    return (
        bool(geometric or photometric)
        and (not geometric or is_crop(geometric))
        and all(type(layer) in PLANS for layer in photometric)
    )


def is_crop(geometric) -> bool:
    """Whether the layers are one crop and nothing else."""
    return [type(layer) for layer in geometric] == [augment.RandomResizedCrop]


def crop(
    images, boxes, mirrored, size, antialias=True, layers=(), plans=(), columns=False
):
    """`resample.crop_and_resize`, then photometric layers.

    Args:
        images: uint8 or float32 [batch, height, width, 3], of a static size.
        boxes, mirrored, size, antialias: as `resample.crop_and_resize` has them.
        layers: photometric layers, all among `PLANS`.
        plans: what each image has drawn of them, as `plan` has it; () without layers.
        columns: whether to return columns, float32 [batch, size, 3, size].

    Returns:
        float32 [batch, size, size, 3].
    """
    shape = [-1, size, 3, size] if columns else [-1, size, size, 3]
    run = _loop((size, antialias), _used(layers), columns_end=columns)
    return tf.reshape(run(images, (boxes, mirrored), plans), shape)


def paint(images, layers, plans, columns=False):
    """Photometric layers on float32 [batch, height, width, 3]; as `crop` has them.

    `columns` means that these are what comes in.
    """
    run = _loop(None, _used(layers), columns_begin=columns)
    height, width = images.shape[3:0:-2] if columns else images.shape[1:3]
    return tf.reshape(run(images, (), plans), [-1, height, width, 3])


def plan(layers, drawn):
    """What every image has drawn, in its order: what the layers' draws come to.

    Args:
        layers: at least one.
        drawn: their transformations of a batch, as their `draw` makes them.

    Returns:
        (operations, int32 [batch, most]; their amounts, float32 [batch, most]; how many
        of these the image has drawn, int32 [batch]).
    """
    pairs = zip(layers, drawn, strict=True)
    plans = [PLANS[type(layer)](layer, draws) for layer, draws in pairs]
    kinds, amounts, on = (tf.concat(x, axis=1) for x in zip(*plans, strict=True))
    order = tf.argsort(tf.cast(~on, tf.int32), axis=1, stable=True)  # the drawn first
    kinds, amounts = (tf.gather(x, order, batch_dims=1) for x in (kinds, amounts))
    return kinds, amounts, tf.reduce_sum(tf.cast(on, tf.int32), axis=1)


def _plan_jitter(layer, drawn):
    batch = tf.shape(drawn["shift"])[0]
    order = drawn["order"]  # four hands one after another: hue comes n-th of all
    sizes = drawn.get("sizes", tf.fill([4], tf.size(order) // 4))
    ends, place = tf.cumsum(sizes), tf.argsort(order)[:batch]
    hue_place = tf.searchsorted(ends, place, side="right")[:, None]
    places = tf.concat([tf.tile([[0, 2, 4]], [batch, 1]), 2 * hue_place - 1], axis=1)
    order = tf.argsort(places)
    kinds = tf.concat([drawn["kinds"], tf.fill([batch, 1], HUE)], axis=1)
    amounts = tf.concat([drawn["factors"], drawn["shift"][:, None]], axis=1)
    on = amounts != [1.0, 1.0, 1.0, 0.0]
    return [tf.gather(x, order, batch_dims=1) for x in (kinds, amounts, on)]


def _plan_one(kind, amount, drawn):
    kind = tf.fill([tf.size(drawn), 1], kind)
    return kind, tf.broadcast_to(amount, tf.shape(drawn))[:, None], drawn[:, None]


PLANS = {  # of a layer and its draws: three [batch, n] as in `plan`, the last bool
    augment.ColorJitter: _plan_jitter,
    augment.RandomGrayscale: lambda layer, drawn: _plan_one(GREY, 0.0, drawn),
    augment.GaussianBlur: lambda layer, drawn: _plan_one(
        BLUR, drawn["sigma"], drawn["drawn"]
    ),
    augment.RandomSolarize: lambda layer, drawn: _plan_one(
        SOLARIZE, float(layer.threshold), drawn
    ),
}
USES = {
    augment.ColorJitter: (BRIGHTNESS, CONTRAST, SATURATION, HUE),
    augment.RandomGrayscale: (GREY,),
    augment.GaussianBlur: (BLUR,),
    augment.RandomSolarize: (SOLARIZE,),
}


def _used(layers):
    return frozenset(kind for layer in layers for kind in USES[type(layer)])


@functools.cache  # one compilation for all that do the same to images of one size
def _loop(cut, used, columns_begin=False, columns_end=False):
    """Compiles a crop, `cut` = (size, antialias), or none, and the operations used."""

    @tf.function(jit_compile=True, autograph=False)
    def run(images, boxes, plans):
        numbers = boxes[0][:, 0] if boxes else plans[2]  # of an image, none below 0

        def finish(number):
            apart = functools.partial(_apart, numbers[number] >= 0)
            image = images[number]
            if cut:
                box, mirrored = (x[number] for x in boxes)
                columns = _crop(image, box, mirrored, *cut, apart)
            elif columns_begin:
                columns = image
            else:
                columns = tf.transpose(tf.cast(image, tf.float32), [1, 2, 0])
            if used:
                plan = (x[number] for x in plans)
                columns = _paint(columns, *plan, used, apart)
            if columns_end:
                return columns
            if alone:  # as a matrix: 1.5 times as fast for a photo, slower in the loop
                return tf.transpose(tf.reshape(columns, [-1, columns.shape[2]]))
            return tf.transpose(columns, [2, 0, 1])

        if alone := images.shape[0] == 1:
            return finish(0)
        # Not `map_fn`: an error in it leaves TensorFlow's variable scope changed.
        count = tf.shape(images)[0]
        height, width = images.shape[3:0:-2] if columns_begin else images.shape[1:3]
        height, width = (cut[0], cut[0]) if cut else (height, width)
        shape = [width, 3, height] if columns_end else [height, width, 3]
        start = 0, tf.TensorArray(tf.float32, count, element_shape=shape)
        _, finished = tf.while_loop(
            lambda number, _: number < count,
            lambda number, done: (number + 1, done.write(number, finish(number))),
            start,
        )
        return finished.stack()

    return run


def _apart(always, function, *arguments):
    """`function(*arguments)`, computed once and kept in memory.

    Otherwise XLA computes it anew inside of each operation that reads it, and for a
    transposed one in the worst order. It does not look into a condition, and it cannot
    know that `always` is true.
    """
    like = tf.function(function, autograph=False).get_concrete_function(*arguments)

    def nothing():
        return tf.nest.map_structure(
            lambda result: tf.zeros(result.shape, result.dtype), like.structured_outputs
        )

    return tf.cond(always, lambda: function(*arguments), nothing)


def _add_lines(image, numbers, weights):
    """Weighted sums of lines of an image [n, ...]; both arguments are [size, k]."""
    weights = tf.reshape(weights, [*weights.shape, *[1] * (image.shape.rank - 1)])
    lines = [tf.gather(image, column) for column in tf.unstack(numbers, axis=1)]
    return tf.add_n(
        [weights[:, k] * tf.cast(line, tf.float32) for k, line in enumerate(lines)]
    )


def _crop(image, box, mirrored, size, antialias, apart):
    height, width, _ = image.shape
    top, left, tall, wide = tf.unstack(box)
    left = tf.where(mirrored, left + wide, left)  # a mirrored box is read backwards
    wide = tf.where(mirrored, -wide, wide)
    visible = resample.visible_lines
    rows = apart(visible, top, tall, height, size, antialias)
    columns = apart(visible, left, wide, width, size, antialias)
    lines = apart(_add_lines, tf.reshape(image, [height, width * 3]), *rows)
    lines = apart(tf.transpose, lines)  # [width * 3, size]

    def added(lines, *columns):
        lines = tf.reshape(lines, [width, 3, size])
        return tf.reshape(_add_lines(lines, *columns), [size * 3, size])

    return tf.reshape(apart(added, lines, *columns), [size, 3, size])


def _paint(columns, kinds, amounts, count, used, apart):
    """Applies the first `count` operations, each by its amount."""
    change = {
        BRIGHTNESS: lambda x, factor: factor * x,
        CONTRAST: lambda x, factor: factor * x + (1 - factor) * _mean_grey(x),
        SATURATION: lambda x, factor: factor * x + (1 - factor) * color.grey(x),
        HUE: color.shift_hue,
        GREY: lambda x, _: tf.repeat(color.grey(x), 3, axis=1),
        BLUR: lambda x, sigma: _blur(x, sigma, apart),
        SOLARIZE: color.solarize,
    }
    used = sorted(used)
    branch_of = tf.constant([used.index(k) if k in used else 0 for k in OPERATIONS])

    def step(position, columns):
        def changed(kind):
            result = change[kind](columns, tf.gather(amounts, position))
            blends = kind in (BRIGHTNESS, CONTRAST, SATURATION)
            return tf.clip_by_value(result, 0.0, 255.0) if blends else result

        branches = [functools.partial(changed, kind) for kind in used]
        branch = tf.gather(branch_of, tf.gather(kinds, position))
        return position + 1, tf.switch_case(branch, branches)

    return tf.while_loop(lambda position, _: position < count, step, (0, columns))[1]


def _mean_grey(columns):
    return tf.reduce_mean(color.grey(columns))


def _blur(columns, sigma, apart):
    blur.check_sides(columns.shape[::2])
    kernel = blur.gaussian(sigma[None])[0]
    for _ in range(2):
        columns = apart(_blur_lines, columns, kernel)
        columns = apart(tf.transpose, columns)
    return columns


def _blur_lines(image, kernel):
    size = image.shape[0]
    numbers = np.arange(size)[:, None] + np.arange(-blur.RADIUS, blur.RADIUS + 1)
    numbers = size - 1 - np.abs(size - 1 - np.abs(numbers))  # reflected at the ends
    weights = tf.repeat(kernel[None], size, axis=0)
    return _add_lines(image, tf.constant(numbers, tf.int32), weights)
