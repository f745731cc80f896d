"""Non-finite steps: stopped at, or skipped and rolled back to the bit."""

import logging
import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.engine.callbacks import WatchNaN
from ressl_tf.engine.checkpoint import Checkpoints, state
from ressl_tf.engine.nonfinite import NonfiniteGuard
from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime.errors import RunError

NOT_FINITE = "is not finite (NaN or infinity)"


class Line(keras.Model):
    """The smallest model with batch statistics and a step: quick to trace."""

    def __init__(self):
        super().__init__()
        self.network = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(3, kernel_initializer="ones"),
                keras.layers.BatchNormalization(),
            ]
        )
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", trainable=False, initializer="zeros"
        )
        self.mean = keras.metrics.Mean(name="loss")
        self.networks = {"network": self.network}
        self.guard = NonfiniteGuard()
        self.built = True
        self.compile(SGD(0.1))
        self.optimizer.build(self.trainable_variables)

    metrics = property(lambda self: [self.mean])

    def train_step(self, data):
        before = self.guard.begin(self)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.network(data, training=True) ** 2 * [1, 2, 3])
            loss += tf.reduce_mean(self.network.layers[0](data))
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients[0] = tf.where(data[0, 0] > 1e6, math.inf, gradients[0])
        self.optimizer.apply(gradients, self.trainable_variables)
        self.step.assign_add(1)
        self.mean.update_state(loss)
        self.guard.end(self, before, gradients)
        return {"loss": self.mean.result()}


def guarded(skip=True, make=Line):
    model = make()
    model.optimizer.build(model.trainable_variables)
    model.guard.action = "skip" if skip else "stop"
    return model


def lines(bad=(), steps=6, without=()):
    """Return batches [8, 4] of each step, with a NaN in the `bad` ones (from 1)."""
    batches = np.random.default_rng(0).normal(size=(steps, 8, 4)).astype("float32")
    for step in bad:
        batches[step - 1, 3, 2] = np.nan
    left = [step for step in range(steps) if step + 1 not in without]
    return tf.data.Dataset.from_tensor_slices(batches[left])


def views(images, bad=(), steps=3):
    """Return finished views of each step, with a NaN in the `bad` ones."""
    strong = np.stack([np.roll(images, step, 0)[:8] for step in range(steps)])
    strong = strong.astype("float32")
    weak = strong[..., ::-1, :].copy()
    for step in bad:
        strong[step - 1, 3, 5, 5, 1] = np.nan
    return tf.data.Dataset.from_tensor_slices({"strong": strong, "weak": weak})


def fit(model, data, limit=10):
    watch = WatchNaN(model.guard, limit)
    return model.fit(data, shuffle=False, verbose=0, callbacks=[watch]).history


def values(model):
    return {name: variable.numpy() for name, variable in state(model).items()}


def counters(model):
    return [int(variable.numpy()) for variable in model.guard.variables]


def test_a_skipped_step_changes_only_the_step_counters(images):
    model = guarded(make=tiny_model)
    model.fit(views(images), shuffle=False, verbose=0)
    before = values(model)
    model.reset_metrics = lambda: None  # `fit` does, at the start of an epoch
    model.fit(views(images, bad=[1], steps=1), shuffle=False, verbose=0)
    after = values(model)
    unlike = {n for n in before if not np.array_equal(before[n], after[n])}
    # Of the guard: bad steps, bad ones in a row, the number of the last one.
    expected = {"model/000", "optimizer/000", "guard/000", "guard/001", "guard/002"}
    assert unlike == expected
    for name in ("model/000", "optimizer/000"):  # the step, and the optimizer's
        assert after[name] == before[name] + 1
    assert counters(model) == [1, 1, 4]


def test_the_run_goes_on_as_if_the_step_had_not_been(caplog):
    """With a constant rate and nothing random, all but the step counters is equal."""
    model, other = guarded(), guarded()
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        logs = fit(model, lines(bad=[3, 5]))
    assert f"step 3 {NOT_FINITE} and is skipped (1 so far)" in caplog.text
    assert f"step 5 {NOT_FINITE} and is skipped (2 so far)" in caplog.text
    assert logs == fit(other, lines(without=[3, 5]))
    assert math.isfinite(logs["loss"][0])
    ours, theirs = values(model), values(other)
    for name in ours:
        if not name.startswith(("guard/", "model/000", "optimizer/000")):
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert (int(model.step.numpy()), int(other.step.numpy())) == (6, 4)
    assert counters(model) == [2, 0, 5]


def test_without_a_bad_step_a_guard_changes_nothing():
    plain = Line()
    plain.fit(lines(), shuffle=False, verbose=0)
    for skip in (False, True):
        model = guarded(skip)
        fit(model, lines())
        for name, value in values(plain).items():
            np.testing.assert_array_equal(value, values(model)[name], err_msg=name)
        assert counters(model) == [0, 0, 0]


def test_stop_names_the_step_whose_gradient_is_infinite():
    """The loss of that step is a number still."""
    data = lines().enumerate().map(lambda i, x: tf.where(i == 3, 2e6 + x, x))
    model = guarded(skip=False)
    message = rf"^step 4 {re.escape(NOT_FINITE)}; try .* --on_nan=skip;"
    with pytest.raises(RunError, match=message):
        fit(model, data)
    assert counters(model) == [1, 1, 4]


def test_too_many_in_a_row_end_the_run():
    message = f"step 6 {NOT_FINITE}, the last of 3 in a row; try"
    with pytest.raises(RunError, match=re.escape(message)):
        fit(guarded(), lines(bad=[1, 2, 4, 5, 6]), limit=3)
    model = guarded()
    fit(model, lines(bad=[1, 2, 4, 5]), limit=3)
    assert counters(model) == [4, 0, 5]


def test_counters_go_on_from_a_checkpoint(tmp_path):
    """Two bad steps before a break and one after are three in a row."""
    whole, model, resumed, again = (guarded() for _ in range(4))
    data = lines(bad=[2, 3, 4])
    fit(whole, data)
    fit(model, data.take(3))
    Checkpoints(tmp_path).save(model)
    Checkpoints(tmp_path).restore(resumed)
    assert counters(resumed) == [2, 2, 3]
    fit(resumed, data.skip(3))
    ours, theirs = values(resumed), values(whole)
    for name in ours:
        if not name.startswith("metrics/"):  # `fit` resets them
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    Checkpoints(tmp_path).restore(again)
    message = f"step 4 {NOT_FINITE}, the last of 3 in a row"
    with pytest.raises(RunError, match=re.escape(message)):
        fit(again, data.skip(3), limit=3)


def test_a_checkpoint_without_counters_is_taken(tmp_path):
    """As those of versions that had none."""
    old, new = Line(), guarded()
    del old.guard
    old.step.assign(5)
    Checkpoints(tmp_path).save(old)
    assert Checkpoints(tmp_path).restore(new)
    assert int(new.step.numpy()) == 5
    assert counters(new) == [0, 0, 0]


@pytest.mark.slow
def test_a_nan_on_one_replica_is_skipped_on_all(images, mirrored):
    with mirrored.scope():
        model = guarded(make=tiny_model)
    fit(model, views(images, steps=1))
    before = values(model)
    fit(model, views(images, bad=[1], steps=1))  # sample 3: of the first replica
    for name, value in before.items():
        if not name.startswith(("guard/", "metrics/", "model/000", "optimizer/000")):
            np.testing.assert_array_equal(value, values(model)[name], err_msg=name)
    assert counters(model) == [1, 1, 2]
    fit(model, views(images, steps=1))
    assert counters(model) == [1, 0, 2]
