"""Several classes an image in records of TensorFlow Datasets, as those of VOC."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ressl_tf.data.multi_label import ABSENT, NOT_COUNTED, PRESENT, MultiLabels

ALL, CLEAR = "labels", "labels_no_difficult"  # the second only where a set has it


def features_of(info: tfds.core.DatasetInfo) -> dict[str, tuple[str, ...]]:
    """Return the features that list classes of an image, each with their names."""
    found = {}
    for key in (ALL, CLEAR):
        feature = dict(info.features).get(key)
        inner = getattr(feature, "feature", None)  # of a sequence
        if isinstance(inner, tfds.features.ClassLabel):
            found[key] = tuple(inner.names)
    return found if ALL in found else {}


def read(
    records: tf.data.Dataset, features: Mapping[str, tuple[str, ...]]
) -> MultiLabels:
    """Read the classes of every record.

    A class that an image shows by a difficult object alone is not counted there, as
    the VOC challenge has it.

    Args:
        records: serialised examples, string [].
        features: of `features_of`.
    """
    names = features[ALL]
    spec = {key: tf.io.RaggedFeature(tf.int64) for key in features}

    def states(record):
        example = tf.io.parse_single_example(record, spec)
        shown = _marked(example[ALL], len(names))
        clear = _marked(example[CLEAR], len(names)) if CLEAR in features else shown
        doubtful = tf.where(shown, NOT_COUNTED, ABSENT)
        return tf.cast(tf.where(clear, PRESENT, doubtful), tf.int8)

    found = records.map(states, tf.data.AUTOTUNE).batch(1024)
    return MultiLabels(np.concatenate([rows.numpy() for rows in found]), names)


def _marked(numbers: tf.Tensor, count: int) -> tf.Tensor:
    """Mark these of `count` classes, bool [count]."""
    return tf.reduce_any(tf.one_hot(numbers, count, True, False, dtype=tf.bool), axis=0)
