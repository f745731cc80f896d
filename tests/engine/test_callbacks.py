"""Callbacks: what they add, warn of and stop."""

import json
import logging
import math
import os
import pathlib
import time
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.config import Config
from ressl_tf.engine import callbacks
from ressl_tf.engine.optimizers import SGD
from ressl_tf.engine.trainable import TrainFunction
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.byol import BYOL
from ressl_tf.runtime.errors import Interrupted
from ressl_tf.runtime.signals import Watch


class Clock:
    """A clock that passes, and waits, when a test says so."""

    def __init__(self, monkeypatch):
        self.now = self.input_wait = 0.0
        self.train_function = self  # of the model
        monkeypatch.setattr(callbacks.time, "perf_counter", lambda: self.now)

    def step(self, callback, seconds, waited):
        self.now, self.input_wait = self.now + seconds, self.input_wait + waited
        logs = {}
        callback.on_train_batch_end(0, logs)
        return logs.get("images_per_second"), logs.get("input_wait")


def test_speed_leaves_out_the_first_step_and_the_time_between_epochs(monkeypatch):
    clock, speed = Clock(monkeypatch), callbacks.Speed(batch_size=10)
    speed.set_model(clock)
    speed.on_epoch_begin(0)
    assert clock.step(speed, 60.0, 9.0) == (None, None)  # builds the graph
    assert clock.step(speed, 2.0, 1.0) == pytest.approx((5, 0.5))
    assert clock.step(speed, 3.0, 0.0) == pytest.approx((20 / 5, 0.2))
    clock.now += 100.0  # kNN, checkpoint
    speed.on_epoch_begin(1)
    assert clock.step(speed, 1.0, 0.1) == pytest.approx((10, 0.1))
    logs = {}
    speed.on_epoch_end(1, logs)
    assert logs == pytest.approx({"images_per_second": 10, "input_wait": 0.1})
    speed.set_model(SimpleNamespace(train_function=None))  # of Keras: unmeasured
    speed.on_epoch_begin(2)
    assert clock.step(speed, 1.0, 0.1) == (pytest.approx(10), None)


def test_what_follows_the_first_step_happens_once_and_not_before_it():
    model, steps = keras.Sequential([keras.layers.Dense(1)]), []
    model.compile("sgd", "mse", run_eagerly=True)
    taken = model.optimizer.iterations
    after = callbacks.AfterFirstStep(lambda: steps.append(int(taken.numpy())))
    ones = tf.ones([6, 1])
    model.fit(ones, ones, batch_size=2, epochs=2, verbose=0, callbacks=[after])
    assert steps == [1]


@pytest.mark.parametrize("several", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_the_wait_for_the_input_is_what_the_input_takes(images, several):
    """Not what the step takes, nor what it takes to build it."""
    model = tiny_model()
    model.compile(SGD(0.1), steps_per_execution=several)

    def slowly(batch):
        return tf.numpy_function(lambda x: (time.sleep(0.1), x)[1], [batch], tf.uint8)

    data = tf.data.Dataset.from_tensors(images[:8]).repeat(10).map(slowly)
    data = data.map(lambda batch: tf.ensure_shape(batch, [8, 16, 16, 3]))
    begin = time.perf_counter()
    model.fit(data, verbose=0, shuffle=False)
    waited = float(model.train_function.input_wait)
    assert 0.4 <= waited < time.perf_counter() - begin
    quick = tf.data.Dataset.from_tensors(images[:8]).repeat(10)
    model.fit(quick, verbose=0, shuffle=False)
    assert float(model.train_function.input_wait) - waited < waited / 2


@pytest.mark.parametrize("several", [1, 2])
def test_the_wait_for_the_input_is_not_what_the_step_does_without_it(several):
    """Its operations that need no images must not keep the clock from being read."""
    number = tf.Variable(0.0)
    threads = 2 * (os.cpu_count() or 1)

    def busy(value):
        time.sleep(0.05)
        return value

    def step(batch):
        values = [
            tf.numpy_function(busy, [number + i], tf.float32, stateful=False)
            for i in range(threads)
        ]
        return {"loss": tf.reshape(tf.reduce_sum(batch) + tf.add_n(values), [])}

    train = TrainFunction(
        SimpleNamespace(
            steps_per_execution=several,
            metrics=[SimpleNamespace(name="loss")],
            distribute_strategy=tf.distribute.get_strategy(),
            run_eagerly=False,
            check_inputs=lambda: None,
        ),
        step,
    )
    batches = tf.data.Dataset.from_tensors(tf.ones([4])).repeat(8).prefetch(8)
    iterator = iter(batches)
    logs = [float(train(iterator)["loss"]) for _ in range(8 // several)]
    assert logs == [4 + threads * (threads - 1) / 2] * len(logs)
    assert 0 < float(train.input_wait) < 8 * 0.01


@pytest.mark.parametrize(
    ("spread", "entropy", "warning"),
    [
        (1 / math.sqrt(6), 1.0, None),
        (0.05 / math.sqrt(6), 1.0, "collapse: their std is 5% of"),
        (1 / math.sqrt(6), 0.995 * math.log(10), "entropy 2.29 of log K = 2.30"),
    ],
)
def test_collapse_is_warned_of(caplog, spread, entropy, warning):
    watch = callbacks.CollapseWarning()
    watch.set_model(tiny_model())
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        watch.on_epoch_end(0, {"embedding_std": spread, "teacher_entropy": entropy})
    assert (warning is None and not caplog.text) or warning in caplog.text


def test_without_a_relation_the_advice_is_another(caplog):
    watch = callbacks.CollapseWarning()
    backbone = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten()])
    watch.set_model(BYOL(backbone, image_size=16, hidden_dim=8, total_steps=9))
    with caplog.at_level(logging.WARNING, "ressl_tf"):
        watch.on_epoch_end(0, {"embedding_std": 1e-3})
    assert "try a higher --momentum" in caplog.text


@pytest.mark.slow
def test_knn_runs_every_n_epochs_and_after_the_last_step(images):
    measured = []

    def measure(model):
        measured.append(int(model.step.numpy()))
        return len(measured) / 10

    model = tiny_model()
    monitor = callbacks.KNNMonitor(measure, every=2, last_step=15)
    history = model.fit(
        images, batch_size=4, epochs=5, verbose=0, callbacks=[monitor]
    ).history
    assert measured == [6, 12, 15]
    assert history["knn_top1"] == [0.1, 0.2, 0.3]


def test_the_log_has_a_row_an_epoch(images, tmp_path):
    workdir = Workdir(Config(workdir=str(tmp_path)))
    model = tiny_model()
    log = callbacks.MetricsLog(workdir.log, steps_per_epoch=3)
    model.fit(images, batch_size=4, epochs=2, verbose=0, callbacks=[log])
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["epoch"], row["step"]) for row in rows] == [(1.0, 3), (2.0, 6)]
    assert rows[0]["learning_rate"] == pytest.approx(0.1)
    assert rows[1]["loss"] == pytest.approx(model.history.history["loss"][1])


@pytest.mark.slow
def test_running_means_survive_a_break_inside_an_epoch(images):
    """Step 1 in one call of fit, steps 2 and 3 in another, against all three."""

    def fit(model, rows, watchers=()):
        history = model.fit(
            images[rows], batch_size=4, shuffle=False, verbose=0, callbacks=watchers
        )
        return history.history["loss"][0]

    whole = fit(tiny_model(), slice(0, 12))
    broken = tiny_model()
    fit(broken, slice(0, 4))
    resumed = fit(broken, slice(4, 12), [callbacks.KeepMetrics(3)])
    assert resumed == pytest.approx(whole, rel=1e-6)
    assert whole != pytest.approx(fit(tiny_model(), slice(0, 4)), rel=1e-3)


def test_keep_metrics_leaves_whole_epochs_alone(images):
    """Neither the second epoch of a call nor the first of the next counts on."""
    model = tiny_model()
    keep = callbacks.KeepMetrics(3)
    count = next(v for v in model.metrics_variables if v.name == "count")
    for epochs in (2, 1):
        model.fit(images, batch_size=4, epochs=epochs, verbose=0, callbacks=[keep])
        assert float(count.numpy()) == 3  # the steps of one epoch


class Saved:
    """A stand-in for `Checkpoints` that remembers the steps that were saved."""

    folder = pathlib.Path("run/checkpoints")

    def __init__(self):
        self.steps = []

    def save(self, model):
        self.steps.append(int(model.step.numpy()))


class Counter:
    """A stand-in for a model that has its step alone."""

    def __init__(self):
        self.value, self.step = 0, self

    def numpy(self):
        return self.value


def drive(save, epochs=3, steps=6, minutes=None, ask_at=None):
    """Make the calls that Keras makes in `fit`, with a signal during a step."""
    save.set_params({"steps": steps})
    save.set_model(Counter())
    save.on_train_begin()
    for epoch in range(epochs):
        save.on_epoch_begin(epoch)
        for batch in range(steps):
            save.model.value += 1
            if save.model.value == ask_at:
                save.watch.asked = "SIGTERM"
            if minutes is not None:
                minutes.append(1)
            save.on_train_batch_end(batch)
        save.on_epoch_end(epoch)
    return save.checkpoints.steps


def test_checkpoints_come_every_n_steps_and_once_at_an_epochs_end():
    every_four = callbacks.SaveCheckpoint(Saved(), every_steps=4)
    assert drive(every_four) == [4, 6, 8, 12, 16, 18]
    assert drive(callbacks.SaveCheckpoint(Saved())) == [6, 12, 18]


def test_checkpoints_come_by_the_clock(monkeypatch):
    """A step takes a minute; after an epoch's checkpoint the time starts anew."""
    minutes = []
    monkeypatch.setattr(callbacks.time, "perf_counter", lambda: 60.0 * len(minutes))
    save = callbacks.SaveCheckpoint(Saved(), every_minutes=2.5)
    assert drive(save, epochs=2, minutes=minutes) == [3, 6, 9, 12]


@pytest.mark.parametrize(("asked", "saved"), [(4, [4]), (6, [6]), (8, [6, 8])])
def test_a_run_that_is_asked_to_stop_saves_its_step(asked, saved):
    """Step 6 is the last of an epoch: its row comes before, and nothing twice."""
    save = callbacks.SaveCheckpoint(Saved(), watch=Watch())
    with pytest.raises(Interrupted) as stop:
        drive(save, ask_at=asked)
    assert save.checkpoints.steps == saved
    assert str(stop.value) == f"run: stopped by SIGTERM after step {asked}"
    assert stop.value.result == {"steps": asked, "workdir": "run"}
    assert stop.value.status == 143


def test_asked_in_the_last_step_the_run_is_done():
    save = callbacks.SaveCheckpoint(Saved(), watch=Watch())
    assert drive(save, ask_at=18) == [6, 12, 18]
