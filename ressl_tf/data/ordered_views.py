"""Views of all images of a source in their order, to look at what a model sees."""

import tensorflow as tf

from ressl_tf.data.pipeline import (
    BUFFERED_STEPS,
    ViewMaker,
    batched_views,
    streamed_views,
)
from ressl_tf.data.sources import MemorySource, Source


def ordered_view_batches(
    source: Source, views: ViewMaker, batch_size: int, seed: int
) -> tf.data.Dataset:
    """Make the views of each image once, by a seed; they are as a run draws them.

    Every batch is full, as batch statistics are those of a step: behind the last image
    the first ones come again.

    Args:
        source: where images come from.
        views: `data.augment.views.Views`, or another object with its methods.
        batch_size: images per batch.
        seed: fixes the views.

    Returns:
        Elements of name -> float32 [batch, size, size, 3] on 0..255.

    Raises:
        tf.errors.OpError: while iterating, an image cannot be read; see
            `sources.bad_images_as_run_errors`.
    """
    count = -(-source.size // batch_size)
    rows = tf.range(count * batch_size, dtype=tf.int64) % source.size
    batches = tf.reshape(rows, [count, batch_size])
    steps = tf.data.Dataset.from_tensor_slices(batches).enumerate()
    view_seed = tf.random.experimental.stateless_fold_in((seed, 0), 2)  # of no step
    if isinstance(source, MemorySource):
        viewed = batched_views(source, views, steps, batch_size, view_seed, {})
    else:
        viewed = streamed_views(source, views, steps, batch_size, view_seed, {})
    return viewed.map(lambda views, labels: views).prefetch(BUFFERED_STEPS)
