"""From a source to batches: views for training, centre crops for evaluation.

The batch of step s depends on (seed, s) alone: each epoch's order is one stateless
shuffle, each step has a seed, and a run that starts late skips indices, not images.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from ressl_tf.data.augment.oriented import upright
from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.data.sources import MemorySource, Source
from ressl_tf.data.unreadable import unreadable_example
from ressl_tf.runtime.errors import UsageError

AUTOTUNE = tf.data.AUTOTUNE
BUFFERED_STEPS = 2  # batches made ahead
RAM_BUDGET = 2 * 2**30  # bytes that autotuning may spend on parallel batches
EVALUATION_SEED = (0, 0)  # of the subset that `limit` takes


class ViewMaker(Protocol):
    """The methods by which a pipeline makes views; `Views` says what they do."""

    def __call__(self, images: tf.Tensor, seed: tf.Tensor, **shard: Any) -> Any:
        """Make every view of a batch of images."""

    def sample(self, batch: int, seed: tf.Tensor, **shard: Any) -> Any:
        """Sample the transformations of a batch of photos."""

    def apply_to_photo(self, photo: tf.Tensor, samples: Any) -> Any:
        """Make the views of one photo.

        Where the maker has a true `turns_photos`, the photo is as it is stored, and its
        orientation is the third argument, int32 [].
        """

    def finalize(
        self, photo_views: Mapping[str, tf.Tensor], seed: tf.Tensor, **shard: Any
    ) -> Any:
        """Complete the views of a batch of photos."""


def steps_per_epoch(source: Source, batch_size: int) -> int:
    """Count the full batches in a source; the rest of each epoch's order is dropped.

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
    views: ViewMaker,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    stop_step: int,
    labelled: bool = False,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Make the views of the batches of steps `start_step` to `stop_step` (excluded).

    Args:
        source: where images come from.
        views: `data.augment.views.Views`, or another object with its methods.
        batch_size: images per step.
        seed: fixes the order of every epoch and every view.
        start_step: counted from the start of the run; epochs follow one another.
        stop_step: counted alike.
        labelled: whether the labels come along.
        shard: (index, count): which of `count` equal shards of every batch to make,
            with the views that it has in the whole batch; `views` are then
            `data.augment.views.Views`.

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
    index, count = shard
    size = batch_size // count
    options: dict[str, Any] = {}
    if count > 1:
        first = index * size
        steps = steps.map(lambda step, rows: (step, rows[first : first + size]))
        options = {"shard": shard}
    if isinstance(source, MemorySource):
        batches = batched_views(source, views, steps, size, view_seed, options)
    else:
        batches = streamed_views(source, views, steps, size, view_seed, options)
    if not labelled:
        batches = batches.map(lambda finished, labels: finished)
    steps_left = max(0, stop_step - start_step)
    batches = batches.apply(tf.data.experimental.assert_cardinality(steps_left))
    return batches.prefetch(BUFFERED_STEPS).with_options(pipeline_options())


@tf.autograph.experimental.do_not_convert  # slow, for nothing
def evaluation_batches(
    source: Source, image_size: int, batch_size: int, limit: int | None = None
) -> tf.data.Dataset:
    """Read plain images and labels in a fixed order; the last batch may be smaller.

    An image whose sides are `image_size` passes untouched; any other is resized
    (antialiased bilinear, shorter side to image_size * 256 / 224) and centre-cropped.

    Args:
        source: where images come from.
        image_size: side of the crops in pixels.
        batch_size: images per batch.
        limit: size of a fixed random subset, which is balanced on average; None for all
            images.

    Returns:
        (images [batch, image_size, image_size, 3], int32 [batch]; -1 without labels).
    """
    rows = evaluation_rows(source.size, limit)
    steps = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)

    def cropped(images, labels):
        return centre_crop(images, image_size), labels

    if isinstance(source, MemorySource):
        batches = steps.map(lambda rows: cropped(*source.examples(rows)), AUTOTUNE)
    else:

        def cropped_example(_step, image, orientation, label):
            return centre_crop(image[None], image_size, orientation)[0], label

        batches = _decoded(source, steps.enumerate(), cropped_example, batch_size)
    return batches.prefetch(BUFFERED_STEPS).with_options(pipeline_options())


def evaluation_rows(size: int, limit: int | None = None) -> tf.Tensor:
    """List the examples that `evaluation_batches` reads, int64 [n], ascending.

    Args:
        size: of the source.
        limit: as there.
    """
    rows = tf.range(size, dtype=tf.int64)
    if limit is None or limit >= size:
        return rows
    shuffled = tf.random.experimental.stateless_shuffle(rows, EVALUATION_SEED)
    return tf.sort(shuffled[:limit])


def _training_steps(
    source: Source, batch_size: int, seed: tf.Tensor, start: int, stop: int
) -> tf.data.Dataset:
    """List (step, rows [batch]); each epoch visits every row at most once."""
    per_epoch = steps_per_epoch(source, batch_size)

    def epoch_steps(epoch):
        rows = tf.range(source.size, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(rows, _fold(seed, epoch))
        batches = tf.reshape(order[: per_epoch * batch_size], [per_epoch, batch_size])
        steps = epoch * per_epoch + tf.range(per_epoch, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((steps, batches))

    epochs = tf.data.Dataset.range(start // per_epoch, -(-stop // per_epoch))
    count = max(0, stop - start)
    return epochs.flat_map(epoch_steps).skip(start % per_epoch).take(count)


def batched_views(
    source: MemorySource,
    views: ViewMaker,
    steps: tf.data.Dataset,
    batch_size: int,
    seed: tf.Tensor,
    options: dict[str, Any],
) -> tf.data.Dataset:
    """Make (views, labels) of steps (step, rows [batch]), a batch at a time."""

    def viewed(step, rows):
        images, labels = source.examples(rows)
        finished = views(images, _fold(seed, step), **options)
        return _with_batch_size((finished, labels), batch_size)

    return steps.map(viewed, AUTOTUNE)


def streamed_views(
    source: Source,
    views: ViewMaker,
    steps: tf.data.Dataset,
    batch_size: int,
    seed: tf.Tensor,
    options: dict[str, Any],
) -> tf.data.Dataset:
    """Make (views, labels) of steps (step, rows [batch]), image by image."""

    def sampled(step, rows):
        return step, rows, views.sample(batch_size, _fold(seed, step), **options)

    def applied(step, image, orientation, label, samples):
        if getattr(views, "turns_photos", False):
            made = views.apply_to_photo(image, samples, orientation)
        else:
            made = views.apply_to_photo(upright(image, orientation), samples)
        return step, made, label

    def finalized(batch_steps, photo_views, labels):
        photo_views = _with_batch_size(photo_views, batch_size)
        seed_of_step = _fold(seed, batch_steps[0])
        finished = views.finalize(photo_views, seed_of_step, **options)
        return _with_batch_size((finished, labels), batch_size)

    batches = _decoded(source, steps.map(sampled), applied, batch_size)
    return batches.map(finalized, AUTOTUNE)


def _with_batch_size(tensors: Any, batch_size: int) -> Any:
    """Set the first side of tensors, nested, which graphs do not know."""
    return tf.nest.map_structure(
        lambda tensor: tf.ensure_shape(tensor, [batch_size, *tensor.shape[1:]]), tensors
    )


def _decoded(
    source: Source,
    steps: tf.data.Dataset,
    function: Callable[..., Any],
    batch_size: int,
) -> tf.data.Dataset:
    """Decode (step, rows, ...) image by image, apply `function`, and batch again.

    Args:
        source: where images come from.
        steps: (step, rows [batch], ...); the rest is [batch, ...], nested.
        function: maps (step, image as it is stored, orientation, label, ...), with the
            image's row of the rest, to tensors of one shape.
        batch_size: images per step.
    """
    # Images are decoded in parallel, each by itself; those that fail are dropped, the
    # others batched in order. Beside every batch runs the list of rows it should have:
    # where they differ, the error names the missing image. Good images pay nothing.

    def examples(step, rows, *others):
        step = tf.fill([tf.size(rows)], step)
        return tf.data.Dataset.from_tensor_slices((step, rows, *others))

    def decode(step, row, *others):
        return step, row, source.example_as_stored(row), others

    def applied(step, row, example, others):
        return row, function(step, *example, *others)

    def checked(step, batch):
        rows, tensors = batch
        complete = tf.numpy_function(check, [step[1], rows], tf.bool)
        with tf.control_dependencies([complete]):
            return tf.nest.map_structure(tf.identity, tensors)

    def check(expected, actual):
        return _check_complete(source, expected, actual)

    decoded = steps.flat_map(examples).map(decode, AUTOTUNE).ignore_errors()
    batches = decoded.map(applied, AUTOTUNE).batch(batch_size)
    # If the last batch is dropped whole, it is compared with this empty one.
    empty = tf.nest.map_structure(
        lambda spec: tf.zeros([0, *spec.shape[1:]], spec.dtype), batches.element_spec
    )
    batches = batches.concatenate(tf.data.Dataset.from_tensors(empty))
    return tf.data.Dataset.zip(steps, batches).map(checked)


def _check_complete(source: Source, expected: np.ndarray, actual: np.ndarray) -> bool:
    """Return True, or raise a `RunError` about the first image that is missing."""
    if np.array_equal(expected, actual):
        return True
    missing = next(row for row in expected if row not in actual)
    raise unreadable_example(source, missing)


def _fold(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32))


def pipeline_options() -> tf.data.Options:
    """Return the options of every pipeline: in order, with bounded memory."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_warm_start = True  # views compile while a step is traced
    options.autotune.ram_budget = RAM_BUDGET
    policy = tf.data.experimental.AutoShardPolicy.OFF
    options.experimental_distribute.auto_shard_policy = policy
    return options
