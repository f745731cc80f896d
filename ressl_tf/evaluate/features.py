"""Compute features over a data set."""

import functools
from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf


def extract(model: keras.Model, batches: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Compute features in inference mode.

    Args:
        model: Model from raw images [batch, h, w, 3] on 0..255 to features [batch, f].
        batches: Batches of (images, labels), as from
            `data.pipeline.evaluation_batches`.

    Returns:
        Features [n, f], float32, and labels [n].
    """
    predict = predictor(model)
    features, labels = [], []
    for images, batch_labels in batches:
        features.append(np.asarray(predict(images)))
        labels.append(np.asarray(batch_labels))
    return np.concatenate(features), np.concatenate(labels)


def predictor(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function that computes features of a batch, on one device."""
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return tf.function(functools.partial(model, training=False))
    return model.predict_on_batch


def pixels(batches: Iterable, centre: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return plain pixels as features, a baseline for every encoder.

    Args:
        batches: Batches of (images, labels).
        centre: Whether to subtract each image's mean, a stronger baseline.

    Returns:
        Features [n, h * w * 3], float32, and labels [n].
    """
    features, labels = [], []
    for images, batch_labels in batches:
        flat = np.asarray(images, np.float32).reshape(len(images), -1)
        features.append(flat - centre * flat.mean(axis=1, keepdims=True))
        labels.append(np.asarray(batch_labels))
    return np.concatenate(features), np.concatenate(labels)
