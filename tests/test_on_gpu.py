"""What a GPU must give: the CPU's step to rounding, a run equal to itself, all devices.

They run where TensorFlow finds a GPU, and are skipped elsewhere.
RESSL_GPU_TESTS_ON=CPU:0 runs those of one device on another one.
"""

import os

import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model
from helpers.numpy_views import photos
from helpers.steps import values
from tensorflow.python.framework.config import disable_op_determinism

from ressl_tf.data.augment.views import Views, strong_view
from ressl_tf.engine.optimizers import SGD

GPUS = tf.config.list_physical_devices("GPU")
DEVICE = os.environ.get("RESSL_GPU_TESTS_ON", "GPU:0" if GPUS else "")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not DEVICE, reason="there is no GPU"),
]
several = pytest.mark.skipif(len(GPUS) < 2, reason="there are no two GPUs")


def trained(images, device, steps=3, **options):
    """Return all values of a tiny model after some steps on a device."""
    with tf.device(device):
        model = tiny_model(**options)
        for _ in range(steps):
            model.train_on_batch(images)
    return values(model)


def largest_difference(first, second):
    kept = [name for name in first if not name.startswith(("metrics", "guard"))]
    return max(np.abs(first[n] - second[n]).max() for n in kept)


def test_steps_are_those_of_the_cpu_to_rounding(images):
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        ours, cpu = trained(images, DEVICE), trained(images, "CPU:0")
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(True)
    assert largest_difference(ours, cpu) < 1e-3


def test_the_same_steps_twice_are_equal_to_the_bit(images):
    tf.config.experimental.enable_op_determinism()
    try:
        first, second = trained(images, DEVICE), trained(images, DEVICE)
    finally:
        disable_op_determinism()
    assert largest_difference(first, second) == 0


def test_views_are_those_of_the_cpu_to_rounding():
    sources = photos(8, height=40, width=36)
    made = []
    for device in (DEVICE, "CPU:0"):
        with tf.device(device):
            views = Views({"view": strong_view(32)}, compiled=False)
            made.append(views(sources, tf.constant([1, 2]))["view"].numpy())
    np.testing.assert_allclose(made[0], made[1], rtol=0, atol=0.05)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_xla_gives_the_same_steps(images, jit_compile):
    plain = trained(images, DEVICE)
    with tf.device(DEVICE):
        model = tiny_model()
        model.compile(SGD(0.1), jit_compile=jit_compile)
        for _ in range(3):
            model.train_on_batch(images)
    assert largest_difference(values(model), plain) < 1e-3


@several
def test_two_gpus_train_as_one_with_synchronised_statistics(images):
    one = trained(images, DEVICE, batch_norm="sync")
    with tf.distribute.MirroredStrategy(["GPU:0", "GPU:1"]).scope():
        model = tiny_model(batch_norm="sync")
    data = tf.data.Dataset.from_tensors(images).repeat(3)
    model.fit(data, verbose=0)
    assert largest_difference(values(model), one) < 1e-3
