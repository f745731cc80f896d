"""The best checkpoint by kNN: which weights it holds, also of a run in pieces."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import TINY, tiny_model
from helpers.steps import values

from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import Checkpoints, restore_network
from ressl_tf.engine.keep_best import KeepBest
from ressl_tf.pretraining import image_run
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import open_pretrained

FIGURES = {3: 0.4, 6: 0.9, 9: 0.5, 12: 0.9}  # after each epoch of three steps


def log_figure(model):
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(knn_top1=FIGURES[int(model.step)])
    )


@pytest.mark.slow
def test_it_holds_the_first_epoch_with_the_best_figure(images, tmp_path):
    model, seen = tiny_model(), {}
    checkpoints = Checkpoints(tmp_path, keep=1)
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.update({epoch: values(model)})
    )
    save = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: checkpoints.save(model)
    )
    callbacks = [log_figure(model), KeepBest(checkpoints), note, save]
    model.fit(images, batch_size=4, epochs=4, verbose=0, callbacks=callbacks)
    best = tiny_model()
    assert restore_network(checkpoints.best, "online", best.online) == checkpoints.best
    for name, value in values(best).items():
        if name.startswith("online"):
            np.testing.assert_array_equal(value, seen[1][name])
    assert checkpoints.best_figures() == {"step": 6, "knn_top1": 0.9}
    assert [path.name for path in checkpoints.paths()] == ["step-000000012.npz"]


@pytest.mark.slow
def test_a_run_that_resumes_keeps_what_is_better(images, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for epochs in (2, 3):  # the second run repeats an epoch, as after a crash
        model = tiny_model()
        callbacks = [log_figure(model), KeepBest(checkpoints)]
        model.fit(images, batch_size=4, epochs=epochs, verbose=0, callbacks=callbacks)
        assert checkpoints.best_figures() == {"step": 6, "knn_top1": 0.9}


@pytest.mark.slow
def test_a_run_keeps_it_and_other_commands_take_it(
    photos, tmp_path, monkeypatch, commands
):
    monkeypatch.setattr(
        image_run.knn_monitor,
        "make",
        lambda config, source: lambda model: FIGURES.get(int(model.step), 0.0),
    )
    options = {**TINY, "dataset": f"folder:{photos}", "knn_every": 1}
    workdir, half = str(tmp_path / "run"), str(tmp_path / "half")
    best = {"keep_best": True, "keep_checkpoints": 1, "workdir": workdir}
    pretraining.pretrain(Config(**options, **best, max_steps=7))
    result = pretraining.pretrain(Config(**options, **best))
    pretraining.pretrain(Config(**options, workdir=half, max_steps=6))
    assert (result["knn_top1_best"], result["best_step"]) == (0.9, 6)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), "uint8")
    features = {
        (path, which): open_pretrained(path, which).encoder.features(pictures).numpy()
        for path, which in ((workdir, "best"), (workdir, "last"), (half, "last"))
    }
    np.testing.assert_array_equal(features[workdir, "best"], features[half, "last"])
    assert not np.allclose(features[workdir, "last"], features[workdir, "best"], 0.01)
    flags = [f"--workdir={workdir}", "--model_selection=best"]
    outputs = {
        "knn": commands.run("knn", *flags, "--knn_k=5"),
        "export": commands.run("export", *flags, f"--output={tmp_path}/exported"),
    }
    lines = {
        name: json.loads(out.splitlines()[-1]) for name, (_, out, _) in outputs.items()
    }
    assert lines["knn"]["output"].endswith("knn-best")
    served = tf.saved_model.load(lines["export"]["path"])
    made = served.serve(pictures)["features"]
    np.testing.assert_allclose(made, features[workdir, "best"], rtol=1e-4)


def test_without_a_best_checkpoint_there_is_one_line(unbroken):
    _, folder = unbroken
    with pytest.raises(UsageError, match=r"no best checkpoint.*--keep_best"):
        open_pretrained(folder, "best")


@pytest.mark.slow
def test_images_without_labels_are_refused_before_the_first_step(photos, tmp_path):
    flat = f"folder:{photos}/train/red"
    config = Config(**TINY, dataset=flat, keep_best=True, workdir=str(tmp_path / "run"))
    with pytest.raises(UsageError, match=r"--keep_best .*needs labels"):
        pretraining.pretrain(config)
