"""Python calls: the flags, checks and results of the command lines."""

import inspect
import json
import signal

import keras
import numpy as np
import pytest
from helpers.models import TINY

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.engine import callbacks
from ressl_tf.pretraining import calls
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime.errors import UsageError


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    """Pretrain in this process by the call."""
    out = tmp_path_factory.mktemp("calls") / "run"
    return ressl_tf.pretrain(data=photos, out=out, **TINY)


def test_a_call_takes_the_steps_of_the_command(run, unbroken):
    """Also when it is the second run of a process."""
    same = ("weights_sha256", "loss", "knn_top1", "images", "steps")
    assert {n: run[n] for n in same} == {n: unbroken[0][n] for n in same}
    stored = json.loads((run.workdir / "config.json").read_text())
    there = json.loads((unbroken[1] / "config.json").read_text())
    assert {**stored, "workdir": ""} == {**there, "workdir": ""}


def test_a_result_is_the_json_line_and_what_lies_in_the_folder(run):
    assert json.dumps(run)
    assert run.metrics["steps"] == run["steps"]
    assert "workdir" not in run.metrics
    assert [row["step"] for row in run.history][-1] == run["steps"]
    assert not run.interrupted
    features = run.model.predict(np.zeros((2, 16, 16, 3), "uint8"), verbose=0)
    assert features.shape == (2, run.model.output_shape[-1])


@pytest.mark.slow
def test_the_next_call_takes_a_result(run, tmp_path):
    line = ressl_tf.knn(run, knn_k=5, out=tmp_path / "knn")
    assert line["knn_top1"] == line["top1"]
    assert line["k"] == 5
    assert (line.workdir / "confusion.png").exists()


@pytest.mark.slow
def test_arrays_and_their_labels_are_data(images, tmp_path):
    labels = np.arange(12) % 2
    tiny = {**TINY, "batch_size": 4, "knn_k": 3}
    first = ressl_tf.pretrain(data=(images, labels), out=tmp_path / "run", **tiny)
    assert first["images"] == 12
    assert first["knn_top1"] is not None
    assert ressl_tf.knn(first, knn_k=3)["dataset"] == first["dataset"]
    with pytest.raises(UsageError, match=r"holds a run with another config.*--dataset"):
        ressl_tf.pretrain(data=255 - images, out=tmp_path / "run", **tiny)


@pytest.mark.slow
def test_ctrl_c_saves_and_returns_and_the_same_call_goes_on(
    photos, unbroken, tmp_path, monkeypatch
):
    end = callbacks.SaveCheckpoint.on_train_batch_end

    def interrupting(self, batch, logs=None):
        if int(self.model.step.numpy()) == 3:
            signal.raise_signal(signal.SIGINT)
        end(self, batch, logs)

    options = {**TINY, "data": photos, "out": tmp_path / "run"}
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.SaveCheckpoint, "on_train_batch_end", interrupting)
        stopped = ressl_tf.pretrain(**options)
    assert stopped.interrupted
    assert stopped["steps"] == 3
    whole = ressl_tf.pretrain(**options)
    assert whole["weights_sha256"] == unbroken[0]["weights_sha256"]


@pytest.mark.slow
def test_the_progress_bar_is_keras_own(photos, tmp_path, capfd):
    options = {**TINY, "epochs": 1, "warmup_epochs": 0.0, "knn_every": 0}
    ressl_tf.pretrain(data=photos, out=tmp_path / "a", **options)
    out, err = capfd.readouterr()
    assert "1/3" in out
    assert "first step after" not in err
    pretraining.pretrain(
        Config(**options, dataset=f"folder:{photos}", workdir=str(tmp_path / "b"))
    )
    out, err = capfd.readouterr()
    assert "1/3" not in out
    assert "first step after" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bachsize": 3}, "nearest: batch_size.*Received: bachsize"),
        ({"epochs": "many"}, "--epochs must be a whole number"),
        ({"data": "shapes", "dataset": "shapes"}, "data cannot be given .* dataset"),
        ({"out": "a", "workdir": "b"}, "workdir is given twice"),
        ({"run": "photos"}, "give data= and out= by name. Received: 'photos'"),
        ({"flagfile": "r5.flags"}, "the nearest: r50.flags"),
        ({"data": ["a.png"]}, "a list of paths needs out="),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    with pytest.raises(UsageError, match=message) as error:
        ressl_tf.pretrain(**arguments)
    shown = error.value._render_traceback_()  # what IPython prints
    assert shown == [f"UsageError: {error.value}"]
    assert "\n" not in shown[0]


def test_a_file_of_flags_is_under_the_arguments(monkeypatch):
    monkeypatch.setattr(pretraining, "pretrain", lambda config: {"config": config})
    monkeypatch.setattr(
        "ressl_tf.pretraining.image_run.pretrain", lambda c: {"config": c}
    )
    made = ressl_tf.pretrain(flagfile="r50.flags", queue_size=64)["config"]
    assert (made.backbone, made.queue_size, made.epochs) == ("resnet50", 64, 200)


def test_every_command_is_a_call_that_names_its_flags():
    for name, command in ressl_tf._CALLS.items():
        call = getattr(ressl_tf, name)
        named = inspect.signature(call).parameters
        assert {"data", "out", "flagfile"} <= set(named), name
        assert ("workdir" in named) == (name != "search"), name
        assert call.main.__module__ == f"ressl_tf.{command}"
        assert "Args:" in call.__doc__
    assert inspect.signature(ressl_tf.knn).parameters["knn_k"].default == (200,)
    assert "--queue_size=4096" in ressl_tf.pretrain.__doc__


def test_a_command_line_that_was_imported_does_not_hide_its_call():
    import ressl_tf.knn

    assert callable(ressl_tf.knn)
    assert not isinstance(ressl_tf.knn, type(calls))


def test_keras_with_another_backend_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UsageError, match="backend=jax"):
        ressl_tf.knn("anywhere")
