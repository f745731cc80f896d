"""The loss on held-out data: what `evaluate` and `fit(validation_data=...)` measure.

It is the method's loss, by the schedules of the step that the training has come to, and
changes nothing: both networks work in inference mode, on running statistics, and the
queues are read. So it does not depend on what else is in a batch, and a last batch of
one image counts as one. The views are random, but the same in every epoch: their seed
is that of the model and the number of images before the batch.
"""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from ressl_tf.runtime import distribute

if TYPE_CHECKING:
    from ressl_tf.methods.base import SSLModel

NO_STEP = -1  # in place of a training step, so that the views are no step's


def measure(
    model: "SSLModel", data: Any, before: tf.Tensor
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Return what a batch of held-out data would log, without a change to the model.

    Args:
        model: its online and target networks, queues and step.
        data: a batch as `fit` takes it.
        before: how many images the batches before it had.

    Returns:
        Name -> value, a mean over the images of all replicas, and their number.
    """
    seed = tf.stack([tf.constant(model.seed, tf.int32), NO_STEP])
    seed = tf.random.fold_in(seed, tf.cast(before, tf.int32))
    views = model.mix_views(model.derive_views(data, seed), seed)
    target = {view: _keys(model, views[view]) for view in model.target_views}
    step = tf.convert_to_tensor(model.step)
    _, values = model.losses_of(views, target, step, training=False)
    images = tf.cast(tf.shape(target[model.target_views[0]])[0], tf.float32)
    share = images / distribute.mean(images)  # a replica may have fewer than another
    weighted = {n: tf.math.multiply_no_nan(v, share) for n, v in values.items()}
    return weighted, distribute.mean(images) * distribute.num_replicas()


def _keys(model, view) -> tf.Tensor:
    """Return unit target embeddings by running statistics: nothing to shuffle."""
    embeddings = model.forward(model.target, view, training=False)
    return tf.math.l2_normalize(embeddings, axis=-1)
