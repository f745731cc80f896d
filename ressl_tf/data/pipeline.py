"""From a source to batches: views for training, centre crops for evaluation.

What step s gets depends on (seed, s) alone: each epoch's order is one stateless
shuffle, each step has a seed, and a run that starts late skips indices, not images.
"""

import numpy as np
import tensorflow as tf

from ressl_tf.data.sources import MemorySource, Source, unreadable
from ressl_tf.runtime.errors import UsageError

AUTOTUNE = tf.data.AUTOTUNE
BUFFERED_STEPS = 2  # batches made ahead
RAM_BUDGET = 2 * 2**30  # bytes that autotuning may spend on parallel batches
EVALUATION_SEED = (0, 0)  # of the subset that `limit` takes


def steps_per_epoch(source: Source, batch_size: int) -> int:
    """Full batches in the source; the rest of each epoch's order is dropped.

    Raises:
        UsageError: the source is smaller than one batch.
    """
    if batch_size < 1 or source.size < batch_size:
        raise UsageError(
            f"A batch holds 1 to {source.size} images of {source.name}. "
            f"Received: batch_size={batch_size}"
        )
    return source.size // batch_size


def training_batches(
    source: Source,
    views,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    stop_step: int,
    labelled: bool = False,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Views of the batches of steps `start_step` to `stop_step` (excluded).

    Args:
        source: where images come from.
        views: `data.augment.views.Views`, or anything that is called like it.
        batch_size: images per step.
        seed: fixes the order of every epoch and every view.
        start_step: counted from the start of the run; epochs follow one another.
        labelled: whether the labels come along.
        part: (index, count): one of so many equal parts of every batch, with the views
            that it has in the whole; `views` are then `data.augment.views.Views`.

    Returns:
        One element per step: name -> float32 [batch, size, size, 3] on 0..255; when
        `labelled`, that and the labels, int32 [batch].

    Raises:
        UsageError: the source is smaller than one batch.
        tf.errors.OpError: while iterating, an image cannot be read; see
            `sources.bad_images_as_run_errors`.
    """
    order_seed, view_seed = tf.unstack(
        tf.random.experimental.stateless_split((seed, 0), 2)
    )
    steps = _training_steps(source, batch_size, order_seed, start_step, stop_step)
    index, parts = shard
    share = batch_size // parts
    if parts > 1:
        first = index * share
        steps = steps.map(lambda step, rows: (step, rows[first : first + share]))
    part = {"shard": shard} if parts > 1 else {}
    make = _batched_views if isinstance(source, MemorySource) else _streamed_views
    batches = make(source, views, steps, share, view_seed, part)
    if not labelled:
        batches = batches.map(lambda finished, labels: finished)
    count = max(0, stop_step - start_step)
    batches = batches.apply(tf.data.experimental.assert_cardinality(count))
    return batches.prefetch(BUFFERED_STEPS).with_options(_options())


@tf.autograph.experimental.do_not_convert  # slow, for nothing
def evaluation_batches(
    source: Source, image_size: int, batch_size: int, limit: int | None = None
) -> tf.data.Dataset:
    """Plain images and labels in a fixed order; the last batch may be smaller.

    An image whose sides are `image_size` passes untouched; any other is resized
    (antialiased bilinear, shorter side to image_size * 256 / 224) and centre-cropped.

    Args:
        limit: takes a fixed random subset of so many images: balanced on average.

    Returns:
        (uint8 [batch, image_size, image_size, 3], int32 [batch]; -1 without labels).
    """
    rows = tf.range(source.size, dtype=tf.int64)
    if limit is not None and limit < source.size:
        shuffled = tf.random.experimental.stateless_shuffle(rows, EVALUATION_SEED)
        rows = tf.sort(shuffled[:limit])
    steps = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)

    def cropped(images, labels):
        return centre_crop(images, image_size), labels

    if isinstance(source, MemorySource):
        batches = steps.map(lambda rows: cropped(*source.examples(rows)), AUTOTUNE)
    else:

        def cropped_example(_step, image, label):
            return centre_crop(image[None], image_size)[0], label

        batches = _decoded(source, steps.enumerate(), cropped_example, batch_size)
    return batches.prefetch(BUFFERED_STEPS).with_options(_options())


def centre_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    """The evaluation's view: uint8 [n, height, width, 3] -> uint8 [n, size, size, 3].

    As `evaluation_batches` says, and as torchvision's Resize and CenterCrop round.
    """
    crops = tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: images,
        lambda: _resized_crop(images, size),
    )
    return tf.ensure_shape(crops, [None, size, size, 3])


def _resized_crop(images: tf.Tensor, size: int) -> tf.Tensor:
    sides = tf.shape(images)[1:3]
    shorter = round(size * 256 / 224)
    sides = sides * shorter // tf.reduce_min(sides)
    images = tf.image.resize(images, sides, "bilinear", antialias=True)
    top, left = tf.unstack(tf.cast(tf.round((sides - size) / 2), tf.int32))
    crops = images[:, top : top + size, left : left + size]
    return tf.cast(tf.clip_by_value(tf.round(crops), 0, 255), tf.uint8)


def _training_steps(
    source: Source, batch_size: int, seed: tf.Tensor, start: int, stop: int
) -> tf.data.Dataset:
    """(step, rows [batch]) for every step; each epoch visits every row at most once."""
    per_epoch = steps_per_epoch(source, batch_size)

    def epoch_steps(epoch):
        epoch_seed = _fold(seed, epoch)
        rows = tf.range(source.size, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(rows, epoch_seed)
        batches = tf.reshape(order[: per_epoch * batch_size], [per_epoch, batch_size])
        steps = epoch * per_epoch + tf.range(per_epoch, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((steps, batches))

    epochs = tf.data.Dataset.range(start // per_epoch, -(-stop // per_epoch))
    count = max(0, stop - start)
    return epochs.flat_map(epoch_steps).skip(start % per_epoch).take(count)


def _batched_views(source, views, steps, batch_size, seed, part) -> tf.data.Dataset:
    def viewed(step, rows):
        images, labels = source.examples(rows)
        finished = views(images, _fold(seed, step), **part)
        return _of_batch((finished, labels), batch_size)

    return steps.map(viewed, AUTOTUNE)


def _streamed_views(source, views, steps, batch_size, seed, part) -> tf.data.Dataset:
    def drawn(step, rows):
        return step, rows, views.sample(batch_size, _fold(seed, step), **part)

    def looked(step, image, label, drawn):
        return step, views.apply_to_photo(image, drawn), label

    def finished(batch_steps, looks, labels):
        looks = _of_batch(looks, batch_size)
        made = views.finalize(looks, _fold(seed, batch_steps[0]), **part)
        return _of_batch((made, labels), batch_size)

    batches = _decoded(source, steps.map(drawn), looked, batch_size)
    return batches.map(finished, AUTOTUNE)


def _of_batch(tensors, batch_size: int):
    """The tensors, whose first side graphs now know."""
    return tf.nest.map_structure(
        lambda tensor: tf.ensure_shape(tensor, [batch_size, *tensor.shape[1:]]), tensors
    )


def _decoded(source, steps, function, batch_size: int) -> tf.data.Dataset:
    """Decodes (step, rows, ...) image by image, applies `function`, and batches again.

    `function(step, image, label, ...)` gives tensors of one shape; of what follows the
    rows, [batch, ...], it gets the image's own.
    An image that fails is dropped; a batch whose rows then differ from those asked
    for raises an error that names it. So good images pay nothing for the check.
    """

    def examples(step, rows, *others):
        step = tf.fill([tf.size(rows)], step)
        return tf.data.Dataset.from_tensor_slices((step, rows, *others))

    def decode(step, row, *others):
        return step, row, source.example(row), others

    def made(step, row, example, others):
        return row, function(step, *example, *others)

    def checked(asked, batch):
        rows, tensors = batch
        complete = tf.numpy_function(check, [asked[1], rows], tf.bool)
        with tf.control_dependencies([complete]):
            return tf.nest.map_structure(tf.identity, tensors)

    def check(asked, got):
        return _check_complete(source, asked, got)

    decoded = steps.flat_map(examples).map(decode, AUTOTUNE).ignore_errors()
    batches = decoded.map(made, AUTOTUNE).batch(batch_size)
    # One batch of nothing: if the last is dropped whole, this does not match it.
    empty = tf.nest.map_structure(
        lambda spec: tf.zeros([0, *spec.shape[1:]], spec.dtype), batches.element_spec
    )
    batches = batches.concatenate(tf.data.Dataset.from_tensors(empty))
    return tf.data.Dataset.zip(steps, batches).map(checked)


def _check_complete(source, asked: np.ndarray, got: np.ndarray) -> bool:
    """True, or a `RunError` about the first image that was asked for and is missing."""
    if np.array_equal(asked, got):
        return True
    missing = next(row for row in asked if row not in got)
    reason = source.why_unreadable(missing) or "it failed, but not a second time"
    raise unreadable(source.example_name(missing), reason)


def _fold(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32))


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_warm_start = True  # views compile while a step is traced
    options.autotune.ram_budget = RAM_BUDGET
    policy = tf.data.experimental.AutoShardPolicy.OFF
    options.experimental_distribute.auto_shard_policy = policy
    return options
