"""Sources whose image number i is filled with i, and views that show it."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.load import load_source
from ressl_tf.data.pipeline import training_batches
from ressl_tf.data.sources import MemorySource


class CornerViews:
    """Views of an image's corner: plain, with a draw per image, with one per batch."""

    def __call__(self, images, seed):
        return self.photometric(self.geometric(images, seed), seed)

    def geometric(self, images, seed):
        corner = tf.ensure_shape(
            tf.cast(images[:, :2, :2], tf.float32), [None, 2, 2, 3]
        )
        draw = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed)
        return {"plain": corner, "moved": corner + draw}

    def photometric(self, crops, seed):
        draw = tf.random.stateless_uniform([], seed)
        return {**crops, "toned": crops["plain"] + draw}

    def sample(self, batch, seed):
        return tf.random.stateless_uniform([batch, 1, 1, 1], seed)

    def apply_to_photo(self, photo, samples):
        corner = tf.ensure_shape(tf.cast(photo[:2, :2], tf.float32), [2, 2, 3])
        return {"plain": corner, "moved": corner + samples[0]}

    finalize = photometric


def in_memory(count, size=4):
    """Return a source whose image number i is filled with i."""
    images = np.arange(count, dtype=np.uint8)[:, None, None, None]
    images = tf.constant(np.tile(images, (1, size, size, 3)))
    labels = np.arange(count, dtype=np.int32) % 2
    return MemorySource("numbers", images, labels, ("even", "odd"), ())


def streamed(folder):
    return load_source(f"folder:{folder}", "train")


def run(source, **options):
    """Return every step's views as NumPy arrays."""
    options = {"batch_size": 4, "seed": 1, "stop_step": 14, **options}
    batches = training_batches(source, CornerViews(), **options)
    return list(batches.as_numpy_iterator())


def numbers(steps):
    """Return which image each place of each batch holds, [steps, batch]."""
    return np.stack([step["plain"][:, 0, 0, 0] for step in steps]).astype(int)


def labelled(source, **options):
    """Return (image numbers, labels) of every step."""
    steps = run(source, labelled=True, **options)
    views, labels = zip(*steps, strict=True)
    return numbers(views), np.stack(labels)
