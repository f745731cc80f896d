"""Calls of augmentation layers, and a test of uniformity."""

import numpy as np
import tensorflow as tf
from scipy import stats


def apply(layer, images, seed=(1, 2)):
    return layer({"images": images, "seed": seed})["images"].numpy()


def draws(layer, batch, seed=(1, 2), side=32):
    return layer.sample(tf.zeros([batch, side, side, 3]), seed)


def planes(image):
    return tf.constant(image.astype(np.float32).transpose(2, 0, 1)[None])


def pixels(planar):
    return planar.numpy()[0].transpose(1, 2, 0)


def column(value):
    return tf.constant([[[[value]]]])


def assert_uniform(values, low=0.0, high=1.0):
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01
