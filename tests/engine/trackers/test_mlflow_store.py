"""MLflow's own client finds in its file store what a run was and has reached."""

import json

import pytest

from ressl_tf.config import Config
from ressl_tf.engine.workdir import to_json

mlflow = pytest.importorskip("mlflow")
from ressl_tf.engine.trackers.mlflow_store import MLflow  # noqa: E402

CONFIG = to_json(Config(epochs=7, color_jitter=(0.1, 0.2, 0.3, 0.4)))


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return a client of the store, which the environment names."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "mlruns"))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "birds")
    return mlflow.tracking.MlflowClient(tracking_uri=str(tmp_path / "mlruns"))


def begun(folder):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return MLflow(folder, CONFIG)


def test_config_metrics_files_and_result(client, tmp_path):
    tracker = begun(tmp_path / "run")
    tracker.metrics({"epoch": 1.0, "step": 5, "loss": 2.5, "knn_top1": 0.5})
    tracker.metrics({"epoch": 2.0, "step": 10, "loss": 1.5})
    (tmp_path / "run" / "views.png").write_bytes(b"png")
    tracker.picture(tmp_path / "run" / "views.png", 1)
    tracker.result({"loss": 1.5, "steps": 10, "method": "ressl", "knn_top1": None})
    tracker.close("finished")
    experiment = client.get_experiment_by_name("birds")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert run.data.params["color_jitter"] == "0.1,0.2,0.3,0.4"
    assert set(run.data.params) == set(CONFIG)
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(5, 2.5), (10, 1.5)]
    assert run.data.metrics == {
        "loss": 1.5,
        "knn_top1": 0.5,
        "result/loss": 1.5,
        "result/steps": 10.0,
    }
    kept = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert kept == {"config.json", "views.png", "result.json"}


def test_a_run_that_goes_on_is_the_same_run_also_with_other_free_flags(
    client, tmp_path
):
    begun(tmp_path / "run").close("stopped")
    again = MLflow(tmp_path / "run", {**CONFIG, "knn_every": 3})
    again.metrics({"epoch": 1.0, "step": 5, "loss": 2.5})
    experiment = client.get_experiment_by_name("birds").experiment_id
    (run,) = client.search_runs([experiment])
    assert run.info.status == "RUNNING"
    assert run.data.metrics == {"loss": 2.5}
    again.close("failed")
    assert client.get_run(run.info.run_id).info.status == "FAILED"
