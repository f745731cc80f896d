"""Clipping: by value, in a step of float16, of micro-batches and of two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model
from helpers.steps import views_of
from tensorflow.python.framework import ops

from ressl_tf.config import Config
from ressl_tf.engine import clipping, precision
from ressl_tf.engine.optimizers import LARS, SGD, AdamW
from ressl_tf.methods.build import build_optimizer
from ressl_tf.runtime.errors import UsageError


def clipped(gradients, largest):
    """Scale as PyTorch's clip_grad_norm_, without its 1e-6."""
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, largest / norm) for g in gradients]


def stepped(optimizer, model, images):
    """Return how far a step with this optimizer moves each trained weight."""
    model.compile(optimizer)
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(views_of(images))
    pairs = zip(before, model.trainable_variables, strict=True)
    return [old - variable.numpy() for old, variable in pairs]


def test_one_factor_for_all_weights():
    generator = np.random.default_rng(0)
    gradients = [generator.normal(size=shape) for shape in [(3, 2), (4,)]]
    own = [tf.constant(g, tf.float32) for g in gradients]
    first, none, second = clipping.by_global_norm([own[0], None, own[1]], 0.3)
    assert none is None
    for found, wanted in zip((first, second), clipped(gradients, 0.3), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    for found, as_it_was in zip(clipping.by_global_norm(own, 100.0), own, strict=True):
        np.testing.assert_array_equal(found, as_it_was)


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e30])
def test_a_norm_that_is_not_finite_is_no_small_step(value):
    for found in clipping.by_global_norm(
        [tf.constant([value, 1.0], tf.float32), tf.constant([2.0])], 1.0
    ):
        assert np.isnan(found).all()


def test_a_step_is_one_of_clipped_gradients_decay_apart(images):
    """SGD: w <- w - lr (clipped + wd w), as PyTorch's after clip_grad_norm_."""
    plain = stepped(SGD(1.0, 0.0, 0.0), tiny_model(), images)
    norm = np.sqrt(sum((g**2).sum() for g in plain))
    model = tiny_model()
    weights = [v.numpy() for v in model.trainable_variables]
    found = stepped(SGD(1.0, 0.0, 0.1, clip_norm=norm / 3), model, images)
    for own, gradient, weight in zip(found, plain, weights, strict=True):
        np.testing.assert_allclose(own, gradient / 3 + 0.1 * weight, atol=1e-6)


@pytest.mark.parametrize("optimizer", [LARS, AdamW])
def test_other_optimizers_see_clipped_gradients(optimizer):
    variable = keras.Variable(np.ones((2, 2), "float32"))
    made = optimizer(0.1, weight_decay=0.0, clip_norm=2.0)
    by_hand = optimizer(0.1, weight_decay=0.0)
    values = []
    for each, factor in ((made, 1.0), (by_hand, 1 / 3)):
        variable.assign(np.ones((2, 2)))
        each.build([variable])
        each.apply([tf.fill([2, 2], 3.0 * factor)], [variable])
        each.apply([tf.fill([2, 2], 0.1)], [variable])
        values.append(variable.numpy())
    np.testing.assert_allclose(*values, rtol=1e-6)


def test_the_gradient_of_all_micro_batches_is_clipped(images):
    plain = stepped(SGD(1.0, 0.0, 0.0), tiny_model(gradient_accumulation=2), images)
    norm = np.sqrt(sum((g**2).sum() for g in plain))
    model = tiny_model(gradient_accumulation=2)
    found = stepped(SGD(1.0, 0.0, 0.0, clip_norm=norm / 4), model, images)
    for own, gradient in zip(found, plain, strict=True):
        np.testing.assert_allclose(own, gradient / 4, atol=1e-6)


def test_scaled_losses_are_clipped_after_they_are_unscaled(images):
    """And a step whose gradients overflow is undone, as without clipping."""
    plain = stepped(SGD(1.0, 0.0, 0.0), tiny_model(), images)
    norm = np.sqrt(sum((g**2).sum() for g in plain))
    model = tiny_model()
    model.loss_scale, model.guard.undo_overflow = precision.LossScale(), True
    found = stepped(SGD(1.0, 0.0, 0.0, clip_norm=norm / 2), model, images)
    for own, gradient in zip(found, plain, strict=True):
        np.testing.assert_allclose(own, gradient / 2, atol=1e-6)
    weights = [v.numpy() for v in model.trainable_variables]
    model.loss_scale.scale.assign(3e38)
    model.train_on_batch(views_of(images))
    for variable, before in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_array_equal(variable, before)


@pytest.mark.slow
def test_the_sum_over_replicas_is_clipped_not_each_share(images, mirrored):
    moves = []
    for clip_norm in (0.0, 0.01):
        with mirrored.scope():
            model = tiny_model()
            model.compile(SGD(1.0, 0.0, 0.0, clip_norm=clip_norm))
        before = [v.numpy() for v in model.trainable_variables]
        data = tf.data.Dataset.from_tensors(views_of(images))
        model.fit(data, shuffle=False, verbose=0)
        pairs = zip(before, model.trainable_variables, strict=True)
        moves.append([old - variable.numpy() for old, variable in pairs])
    norm = np.sqrt(sum((g**2).sum() for g in moves[0]))
    assert norm > 0.02
    for plain, own in zip(*moves, strict=True):
        np.testing.assert_allclose(own, plain * 0.01 / norm, atol=1e-7)


@pytest.mark.parametrize("optimizer", ["sgd", "lars", "adamw"])
def test_the_flag_reaches_the_optimizer(optimizer):
    for clip_norm in (0.0, 0.5):
        config = Config(optimizer=optimizer, clip_norm=clip_norm)
        assert build_optimizer(config, steps_per_epoch=1).clip_norm == clip_norm


def test_it_is_part_of_an_optimizers_config():
    for optimizer in (SGD, LARS, AdamW):
        copy = optimizer.from_config(optimizer(0.1, clip_norm=0.5).get_config())
        assert copy.clip_norm == 0.5
    with pytest.raises(UsageError, match=r"clip_norm must be 0 .* Received: -1"):
        SGD(clip_norm=-1.0)


@pytest.mark.parametrize(("clip_norm", "queue_size"), [(0.0, 8192), (1.0, 10)])
def test_a_compiled_step_leaves_no_gradient_of_its_own(clip_norm, queue_size, images):
    """TensorFlow keeps those, and the graph of the step with each, for ever."""
    before = registered()
    model = tiny_model(queue_size=queue_size)  # the larger one is read by blocks
    model.compile(SGD(0.03, clip_norm=clip_norm))
    model.train_on_batch(views_of(images))
    assert registered() == before
    own = tf.custom_gradient(lambda x: (x, lambda up: up))
    tf.function(lambda x: own(x))(tf.ones([2]))
    assert len(registered()) == len(before) + 1


def registered():
    names = ops.gradient_registry.list()
    return {name for name in names if str(name).startswith("CustomGradient")}
