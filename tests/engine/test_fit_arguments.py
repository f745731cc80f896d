"""Keras's callbacks and the arguments of `fit` that people use, each by its effect."""

import csv
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model
from helpers.steps import values

from ressl_tf.engine.optimizers import SGD
from ressl_tf.engine.schedules import WarmupCosine
from ressl_tf.runtime.errors import UsageError

C = keras.callbacks
OPTIONS = {"batch_size": 4, "verbose": 0, "shuffle": False}


def fit(model, images, epochs=3, **options):
    return model.fit(images, epochs=epochs, **{**OPTIONS, **options}).history


def same_weights(first, second):
    kept = [k for k in first if not k.startswith(("metrics", "guard"))]
    return all(np.array_equal(first[name], second[name]) for name in kept)


class Recorder(C.Callback):
    """Notes the weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(values(self.model))


class Bar(C.Callback):
    """Counts as tqdm's callback does, by what `params` promise."""

    def on_train_begin(self, logs=None):
        self.epochs, self.steps = self.params["epochs"], self.params["steps"]
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, sorted(logs)))


def test_model_checkpoint_keeps_the_best_epoch_by_val_loss(images, tmp_path):
    model, recorder = tiny_model(), Recorder()
    path = tmp_path / "best.keras"
    best = C.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)
    history = fit(model, images, validation_data=images, callbacks=[recorder, best])
    loaded = keras.saving.load_model(path)
    epoch = int(np.argmin(history["val_loss"]))
    assert int(loaded.step) == 3 * (epoch + 1)
    assert same_weights(values(loaded), recorder.weights[epoch])


def test_model_checkpoint_of_weights_alone_goes_on(images, tmp_path):
    path = str(tmp_path / "{epoch}.weights.h5")
    whole, first, second = tiny_model(), tiny_model(), tiny_model()
    fit(whole, images, 3)
    fit(first, images, 2, callbacks=[C.ModelCheckpoint(path, save_weights_only=True)])
    second.optimizer.build(second.trainable_variables)
    second.load_weights(path.format(epoch=2))
    fit(second, images, 1)
    assert same_weights(values(second), values(whole))


def test_early_stopping_restores_the_best_weights(images):
    model, recorder = tiny_model(), Recorder()
    stop = C.EarlyStopping(
        "val_loss", patience=1, restore_best_weights=True, baseline=None
    )
    figures = iter([3.0, 2.0, 2.5, 1.0])
    worse = C.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(val_loss=next(figures))
    )
    history = fit(
        model, images, 4, validation_data=images, callbacks=[recorder, worse, stop]
    )
    assert len(history["loss"]) == 3
    weights, kept = values(model), recorder.weights[1]
    assert all(
        np.array_equal(weights[name], kept[name])
        for name in kept
        if name.startswith(("online", "target", "model"))
    )


def test_reduce_lr_on_plateau_lowers_a_number_and_a_schedule_is_refused(images):
    model = tiny_model()
    plateau = C.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=100)
    history = fit(model, images, 4, validation_data=images, callbacks=[plateau])
    rates = history["learning_rate"]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0.025], rtol=1e-5)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0125)
    model.compile(SGD(WarmupCosine(0.1, 1, 9)))
    for setter in (plateau, C.LearningRateScheduler(lambda epoch: 0.1)):
        with pytest.raises(UsageError, match=r"sets the learning rate.*WarmupCosine"):
            fit(model, images, callbacks=[setter])


def test_a_learning_rate_scheduler_sets_the_rate_of_the_steps(images):
    zero, none = tiny_model(), tiny_model()
    rates = C.LearningRateScheduler(lambda epoch: 0.1 if epoch == 0 else 0.0)
    fit(zero, images, 3, callbacks=[rates])
    fit(none, images, 1)
    for one, other in zip(
        zero.online.trainable_variables, none.online.trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_csv_logger_writes_a_row_an_epoch(images, tmp_path):
    path = tmp_path / "log.csv"
    history = fit(
        tiny_model(), images, validation_data=images, callbacks=[C.CSVLogger(path)]
    )
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    for name in ("loss", "val_loss", "teacher_entropy"):
        written = [float(row[name]) for row in rows]
        np.testing.assert_allclose(written, history[name], rtol=1e-6)


def test_terminate_on_nan_stops_at_the_step(images):
    model = tiny_model()
    model.queue.keys.assign(np.full(model.queue.keys.shape, np.nan))
    fit(model, images, 3, callbacks=[C.TerminateOnNaN()])
    assert int(model.step) == 1


class KilledError(Exception):
    pass


def kill(epoch, logs):
    if epoch == 1:
        raise KilledError


def test_backup_and_restore_goes_on_as_an_unbroken_training(images, tmp_path):
    whole, broken, again = tiny_model(), tiny_model(), tiny_model()
    fit(whole, images, 3)
    backup = C.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    stop = C.LambdaCallback(on_epoch_begin=kill)
    with pytest.raises(KilledError):
        fit(broken, images, 3, callbacks=[backup, stop])
    backup = C.BackupAndRestore(tmp_path / "backup")
    history = fit(again, images, 3, callbacks=[backup])
    assert len(history["loss"]) == 2
    assert same_weights(values(again), values(whole))


@pytest.mark.slow
def test_tensorboard_writes_scalars_histograms_and_a_profile(images, tmp_path):
    model = tiny_model()
    board = C.TensorBoard(tmp_path, histogram_freq=1, profile_batch=2)
    fit(model, images, 2, validation_data=images, callbacks=[board])
    events = list((tmp_path / "train").glob("events*"))
    assert events
    tags = {
        value.tag
        for file in events
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {"epoch_loss", "epoch_teacher_entropy"} <= tags
    assert any("histogram" in tag for tag in tags), tags
    assert list((tmp_path / "validation").glob("events*"))
    assert list(tmp_path.rglob("*.xplane.pb"))


def test_a_progress_bar_of_ones_own_sees_epochs_steps_and_logs(images):
    bar = Bar()
    fit(tiny_model(), images, 2, callbacks=[bar])
    assert (bar.epochs, bar.steps) == (2, 3)
    assert [batch for batch, _ in bar.seen] == [0, 1, 2, 0, 1, 2]
    assert all({"loss", "embedding_std"} <= set(names) for _, names in bar.seen)


def test_lambda_callbacks_are_called_for_validation_too(images):
    seen = []
    names = ("on_train_begin", "on_test_begin", "on_test_batch_end", "on_epoch_end")
    watch = C.LambdaCallback(on_train_begin=lambda logs: seen.append("on_train_begin"))
    watch.on_test_begin = lambda logs=None: seen.append("on_test_begin")
    watch.on_test_batch_end = lambda batch, logs=None: seen.append("on_test_batch_end")
    watch.on_epoch_end = lambda epoch, logs=None: seen.append("on_epoch_end")
    fit(tiny_model(), images, 1, validation_data=images[:8], callbacks=[watch])
    assert seen == [names[0], names[1], names[2], names[2], names[3]]


def test_repeated_data_ends_with_the_steps_of_an_epoch(images):
    data = tf.data.Dataset.from_tensor_slices(images).batch(4).repeat()
    model, plain = tiny_model(), tiny_model()
    history = model.fit(data, epochs=2, steps_per_epoch=3, verbose=0).history
    assert len(history["loss"]) == 2
    fit(plain, images, 2)
    assert same_weights(values(model), values(plain))
    given = tiny_model()  # the same by position: x, y, batch_size, epochs, ...
    given.fit(data, None, None, 2, 0, None, 0.0, None, False, None, None, 0, 3)
    assert same_weights(values(given), values(plain))


def test_an_initial_epoch_counts_the_epochs_and_the_step_goes_on(images):
    model, whole, seen = tiny_model(), tiny_model(), []
    fit(model, images, 1)
    watch = C.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    fit(model, images, 3, initial_epoch=1, callbacks=[watch])
    fit(whole, images, 3)
    assert seen == [1, 2]
    assert same_weights(values(model), values(whole))


def test_eager_steps_and_single_batches_are_the_steps_of_fit(images):
    eager, single, graph = tiny_model(), tiny_model(), tiny_model()
    eager.compile(SGD(0.1), run_eagerly=True)
    fit(graph, images, 1)
    fit(eager, images, 1)
    for start in (0, 4, 8):
        single.train_on_batch(images[start : start + 4])
    for other in (eager, single):
        for name, value in values(graph).items():
            if name.startswith(("online", "target", "model")):
                np.testing.assert_allclose(value, values(other)[name], atol=2e-3)
    assert int(single.step) == int(eager.step) == 3


@pytest.mark.slow
def test_a_loaded_model_goes_on_with_fit(images, tmp_path):
    whole, first = tiny_model(), tiny_model()
    fit(whole, images, 3)
    fit(first, images, 1)
    first.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    fit(loaded, images, 2)
    assert same_weights(values(loaded), values(whole))


def test_nothing_is_said_of_a_data_set_that_is_not_shuffled(images, recwarn, caplog):
    data = tf.data.Dataset.from_tensor_slices(images).batch(4)
    with caplog.at_level(logging.WARNING):
        tiny_model().fit(data, verbose=0)
    assert not recwarn.list
    assert "ressl_tf" not in {record.name for record in caplog.records}


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_a_list_of_images_is_refused_since_keras_stacks_no_list(images, call):
    for given in (list(images), tuple(images)):
        with pytest.raises(UsageError, match=r"np\.stack.*(list|tuple) of 12"):
            getattr(tiny_model(), call)(given)


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_no_data_is_said_in_one_line(call):
    with pytest.raises(UsageError, match="there are no images: give an array"):
        getattr(tiny_model(), call)()


def test_a_loss_and_metrics_of_compile_are_said_to_have_no_effect(images, caplog):
    model = tiny_model()
    fit(model, images, 1)
    assert "ressl_tf" not in {record.name for record in caplog.records}
    model.compile(SGD(0.06), loss="mse", metrics=["accuracy"])
    fit(model, images, 1)
    (told,) = (m for name, _, m in caplog.record_tuples if name == "ressl_tf")
    assert told.startswith("compile: loss, metrics without effect")


def test_fit_before_compile_is_refused(images):
    from ressl_tf.methods.ressl import ReSSL

    model = ReSSL(tiny_model().online.backbone, image_size=16)
    with pytest.raises(UsageError, match=r"model.compile\(ressl_tf.SGD\(0.06\)\)"):
        model.fit(images)
