"""Decode some chosen images into memory, once, where all are of one size."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.sources import MemorySource, Source

PROBES = 3  # images whose headers are read first; all shapes are checked later
LIMIT = 2**29  # bytes, decoded


def into_memory(source: Source, limit: int = LIMIT) -> Source:
    """Hold a source in memory: its views are then made a batch at a time.

    To trace and compile views of one size takes a fifth of the time that photos of any
    size take, and each image is decoded once.

    Args:
        source: some images; the whole of them is read.
        limit: of the decoded bytes.

    Returns:
        The source itself where sizes vary, an image cannot be read, or they are too
        many; who reads it then names the image.
    """
    if isinstance(source, MemorySource):
        return source
    probed = np.unique(np.linspace(0, source.size - 1, PROBES, dtype=np.int64))
    shapes = source.shapes(probed)
    each = np.dtype(source.dtype).itemsize
    needed = source.size * int(np.prod(shapes[0])) * each if shapes else 0
    if len(set(shapes)) != 1 or needed > limit:
        return source
    try:
        images, labels = _decoded(source, shapes[0])
    except tf.errors.OpError:
        return source
    about = source.label_names, source.skipped, source.example_name
    return MemorySource.of(source.name, images, labels, *about)


def _decoded(
    source: Source, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    @tf.autograph.experimental.do_not_convert  # slow, for nothing
    def decode(row):
        image, label = source.example(row)
        return tf.ensure_shape(image, shape), label

    examples = tf.data.Dataset.range(source.size).map(decode, tf.data.AUTOTUNE)
    pairs = list(examples.batch(256).as_numpy_iterator())
    images, labels = zip(*pairs, strict=True)
    return np.concatenate(images), np.concatenate(labels)
