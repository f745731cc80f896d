"""Accumulation, executions, precision and XLA: ways to take the same step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_backbone, tiny_model

from ressl_tf.engine import precision
from ressl_tf.engine.checkpoint import state
from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime.errors import UsageError


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


def test_an_accumulated_step_is_one_of_the_mean_gradient(images):
    """By hand: both halves relate to the queue as it was; all keys enter it in order.

    The target's average of equal networks is itself, so that the step is one of SGD.
    """
    views = {name: np.split(batch, 2) for name, batch in views_of(images).items()}
    by_hand = tiny_model()
    gradients, keys, losses = [], [], []
    for strong, weak in zip(views["strong"], views["weak"], strict=True):
        key = by_hand.embed_target(weak, None)
        with tf.GradientTape() as tape:
            online = {"strong": by_hand.embed(strong)}
            loss = by_hand.loss_terms(online, {"weak": key}, None)[0]["relation"]
        gradients.append(tape.gradient(loss, by_hand.trainable_variables))
        keys.append(key)
        losses.append(float(loss))
    model = tiny_model(gradient_accumulation=2)
    model.compile(SGD(0.1, momentum=0.9, weight_decay=0.01))
    logs = model.train_on_batch(views_of(images), return_dict=True)
    assert logs["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    pairs = zip(by_hand.trainable_variables, *gradients, strict=True)
    expected = [w - 0.1 * ((a + b) / 2 + 0.01 * w) for w, a, b in pairs]
    for variable, value in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable, value, atol=1e-5, err_msg=variable.path)
    np.testing.assert_allclose(model.queue.keys[:8], tf.concat(keys, 0), atol=1e-5)
    counters = model.step, model.optimizer.iterations, model.queue.position
    assert [int(counter.numpy()) for counter in counters] == [1, 1, 8]


def test_an_optimizer_that_accumulates_by_itself_is_refused(images):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    with pytest.raises(UsageError, match=r"gradient_accumulation_steps=2"):
        model.fit(dataset(images, 1), shuffle=False, verbose=0)


@pytest.mark.slow
def test_executions_of_several_steps_end_with_the_epoch(images):
    """Of 4 at most in epochs of 3: the same weights, and not a step too many."""
    one, several = tiny_model(), tiny_model()
    several.compile(SGD(0.1), steps_per_execution=4)
    for model in (one, several):
        history = model.fit(
            dataset(images, 6), epochs=2, steps_per_epoch=3, shuffle=False, verbose=0
        )
        assert len(history.history["loss"]) == 2
        assert int(model.step.numpy()) == 6
    assert_close(values(one), values(several), atol=1e-6)


def test_a_step_that_overflows_changes_nothing_but_the_counters(images):
    model = tiny_model()
    model.skip_nonfinite = True
    model.loss_scale = precision.LossScale()
    model.train_on_batch(views_of(images))
    before = values(model)
    model.loss_scale.scale.assign(3e38)  # times the loss, beyond float32 too
    logs = model.train_on_batch(views_of(images), return_dict=True)
    after = values(model)
    changed = {
        name
        for name, value in after.items()
        if (value != before[name]).any() and not name.startswith("metrics")
    }
    names = {id(v): name for name, v in state(model).items()}
    counters = [model.step, model.optimizer.iterations, *model.loss_scale.variables]
    assert changed == {names[id(counter)] for counter in counters}
    assert int(model.step.numpy()) == int(model.optimizer.iterations.numpy()) == 2
    assert float(model.loss_scale.scale.numpy()) == pytest.approx(1.5e38)
    assert int(model.loss_scale.good_steps.numpy()) == 0
    assert logs["loss"] == 0.0  # the mean of no step
    model.loss_scale.scale.assign(2.0)
    model.train_on_batch(views_of(images))
    assert (model.online.weights[0].numpy() != after["online/000"]).any()


def test_the_loss_scale_doubles_after_long_peace():
    scale = precision.LossScale()
    scale.good_steps.assign(precision.DOUBLED_AFTER - 1)
    scale.update(tf.constant(True))
    assert float(scale.scale.numpy()) == 2 * precision.FIRST_SCALE
    assert int(scale.good_steps.numpy()) == 0
    scale.update(tf.constant(False))
    scale.update(tf.constant(True))
    assert float(scale.scale.numpy()) == precision.FIRST_SCALE
    assert int(scale.good_steps.numpy()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_16_bits_learn_what_32_learn(images, kind):
    """Loss, weights and queue are float32; the loss falls and stays close."""
    plain = tiny_model(queue_size=16)
    with precision.policy(kind):
        model = tiny_model(queue_size=16)
        assert tiny_backbone().compute_dtype == kind
    assert keras.config.dtype_policy().name == "float32"
    assert (model.loss_scale is not None) == (kind == "float16")
    losses = []
    for each in (plain, model):
        fitted = each.fit(
            dataset(images, 30), epochs=30, steps_per_epoch=1, verbose=0, shuffle=False
        )
        losses.append(fitted.history["loss"])
    assert losses[1][-1] < 0.95 * max(losses[1])
    np.testing.assert_allclose(*losses, rtol=0.05)
    assert {variable.dtype for variable in model.online.weights} == {"float32"}
    assert model.queue.keys.dtype == model.target(images).dtype == "float32"
    assert int(model.step.numpy()) == int(model.optimizer.iterations.numpy()) == 30


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 2])
def test_xla_compiles_the_whole_step(images, parts):
    """What a TPU runs: no op of the host, no shape that is known only when it runs."""
    options = {"shuffle_target": True, "gradient_accumulation": parts}
    plain, compiled = tiny_model(**options), tiny_model(**options)
    compiled.compile(SGD(0.1), jit_compile=True)
    for model in (plain, compiled):
        model.fit(dataset(images, 2), shuffle=False, verbose=0)
    assert_close(values(plain), values(compiled), atol=1e-4)
