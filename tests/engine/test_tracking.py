"""Trackers follow a run, and none of them can end it."""

import dataclasses
import json
import logging

import pytest
from helpers.models import TINY

import ressl_tf
from ressl_tf.config import Config, tracker_flags
from ressl_tf.config.tracker_table import TRACKERS, TrackerRow
from ressl_tf.engine import tracking
from ressl_tf.engine.trackers.tracker import Tracker, numbers
from ressl_tf.engine.workdir import Workdir
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError

TOLD = []


class Told(Tracker):
    def metrics(self, row):
        TOLD.append(("metrics", row["step"]))
        if row["step"] == 2:
            raise OSError("no server")

    def result(self, line):
        TOLD.append(("result", line["loss"]))

    def close(self, status):
        TOLD.append(("close", status))


class Unwilling(Tracker):
    def __init__(self, folder, config):
        raise PermissionError("not logged in")


@pytest.fixture
def table(monkeypatch):
    TOLD.clear()
    monkeypatch.setitem(TRACKERS, "told", TrackerRow(f"{__name__}:Told", "json"))
    row = TrackerRow(f"{__name__}:Unwilling", "json")
    monkeypatch.setitem(TRACKERS, "unwilling", row)
    monkeypatch.setitem(TRACKERS, "absent", TrackerRow("x:Y", "no_such_package"))


def asking(folder, *names):
    """Return a config with these trackers, unchecked: flags know the table's alone."""
    config = Config(workdir=str(folder))
    object.__setattr__(config, "tracker", names)
    return config


def test_which_trackers_a_config_asks_for():
    def chosen(**flags):
        return tracker_flags.chosen(Config(**flags))

    assert chosen() == ["tensorboard"]
    assert chosen(tensorboard=False) == []
    assert chosen(tracker=("none",)) == []
    assert chosen(tracker=("wandb", "tensorboard", "wandb")) == ["wandb", "tensorboard"]
    with pytest.raises(UsageError, match=r"one of none, mlflow, tensorboard, wandb"):
        Config(tracker=("mlflo",))


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "finished"), (Interrupted("x"), "stopped"), (RunError("x"), "failed")],
)
def test_the_end_of_a_run_is_told(error, status, table, tmp_path):
    config = asking(tmp_path, "told")
    try:
        with Workdir(config) as workdir, tracking.following(config, workdir) as all_:
            all_.metrics({"step": 1, "epoch": 0.5, "loss": 2.0})
            all_.result({"loss": 1.0})
            if error:
                raise error
    except (Interrupted, RunError):
        assert error
    assert [("metrics", 1), ("result", 1.0), ("close", status)] == TOLD


def test_a_tracker_that_fails_is_left_out_with_one_warning(table, tmp_path, caplog):
    config = asking(tmp_path, "told")
    with (
        caplog.at_level(logging.WARNING, "ressl_tf"),
        Workdir(config) as workdir,
        tracking.following(config, workdir) as all_,
    ):
        for step in (1, 2, 3):
            all_.metrics({"step": step})
    assert TOLD == [("metrics", 1), ("metrics", 2)]
    assert caplog.messages == [
        "--tracker=told fails, and is left out from here: OSError: no server"
    ]


def test_a_tracker_that_cannot_begin_is_one_line_and_the_others_close(table, tmp_path):
    config = asking(tmp_path, "told", "unwilling")
    message = "--tracker=unwilling cannot begin: PermissionError: not logged in"
    with (
        pytest.raises(RunError, match=message),
        Workdir(config) as workdir,
        tracking.following(config, workdir),
    ):
        pass
    assert TOLD == [("close", "failed")]


def test_a_missing_extra_is_one_line_before_the_data_are_read(table, tmp_path):
    from ressl_tf.pretraining import pretrain

    config = dataclasses.replace(Config(), workdir=str(tmp_path / "run"))
    object.__setattr__(config, "tracker", ("absent",))
    object.__setattr__(config, "dataset", "folder:/nowhere")
    message = (
        r"--tracker=absent needs no_such_package: pip install 'ressl_tf\[trackers\]'"
    )
    with pytest.raises(UsageError, match=message):
        pretrain.pretrain(config)
    assert not (tmp_path / "run").exists()


def test_numbers_are_what_can_be_drawn():
    row = {"epoch": 1, "step": 5, "loss": 2, "done": True, "name": "a", "top1": None}
    assert numbers(row) == {"loss": 2.0}


@pytest.mark.slow
def test_a_run_that_three_trackers_follow_is_the_same_run(
    photos, unbroken, tmp_path, monkeypatch
):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("wandb")
    store = str(tmp_path / "mlruns")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("WANDB_MODE", "offline")
    trackers = {"tracker": ("tensorboard", "mlflow", "wandb"), "report": True}
    run = ressl_tf.pretrain(data=photos, out=tmp_path / "run", **TINY, **trackers)
    assert run["weights_sha256"] == unbroken[0]["weights_sha256"]
    folder = tmp_path / "run"
    ids = json.loads((folder / "trackers.json").read_text())
    client = mlflow.tracking.MlflowClient(tracking_uri=store)
    history = client.get_metric_history(ids["mlflow"], "loss")
    logged = [(row["step"], row["loss"]) for row in run.history if "loss" in row]
    assert [(one.step, one.value) for one in history] == logged
    kept = {file.path for file in client.list_artifacts(ids["mlflow"])}
    assert kept == {
        *("config.json", "views.png", "neighbours.png", "curves.png"),
        *("report.html", "result.json"),
    }
    assert list((folder / "wandb").glob(f"offline-run-*/run-{ids['wandb']}.wandb"))
    assert (folder / "tensorboard" / "projector_config.pbtxt").is_file()
