"""Steps of the tiny model on given views."""

import numpy as np
import tensorflow as tf

from ressl_tf.engine.checkpoint import state


def views_of(images, count=8):
    generator = np.random.default_rng(1)
    weak = images[:count].astype("float32")
    noisy = np.clip(weak + generator.normal(0, 20, weak.shape), 0, 255)
    return {"strong": noisy.astype("float32"), "weak": weak}


def dataset(images, steps):
    return tf.data.Dataset.from_tensors(views_of(images)).repeat(steps)


def values(model):
    return {name: variable.numpy() for name, variable in state(model).items()}


def assert_close(first, second, **tolerance):
    for name, value in first.items():
        np.testing.assert_allclose(value, second[name], err_msg=name, **tolerance)
