"""MLflow: params, metrics and artifacts, in the store that its environment names."""

import os
import pathlib
import time
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from ressl_tf.engine.trackers.tracker import Tracker, as_text, numbers, remembered

PARAMS = 100  # that MLflow takes at once
STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MLflow(Tracker):
    """A tracker that is a run of MLflow, also when the run of this package goes on.

    `MLFLOW_TRACKING_URI` names the store, `MLFLOW_EXPERIMENT_NAME` the experiment,
    ressl_tf without.
    """

    def __init__(self, folder: pathlib.Path, config: Mapping[str, Any]):
        super().__init__(folder, config)
        self.client = MlflowClient()
        self.run = remembered(folder, "mlflow", self._create)
        self.client.update_run(self.run, status="RUNNING")

    def _create(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "ressl_tf"
        experiment = self.client.get_experiment_by_name(name)
        place = experiment.experiment_id if experiment else None
        place = place or self.client.create_experiment(name)
        run = self.client.create_run(place, run_name=self.folder.name).info.run_id
        params = [Param(name, as_text(value)) for name, value in self.config.items()]
        for start in range(0, len(params), PARAMS):
            self.client.log_batch(run, params=params[start : start + PARAMS])
        self.client.log_artifact(run, str(self.folder / "config.json"))
        return run

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Log the numbers at their step."""
        now, step = int(1000 * time.time()), row["step"]
        logged = [Metric(name, v, now, step) for name, v in numbers(row).items()]
        self.client.log_batch(self.run, metrics=logged)

    def picture(self, path: pathlib.Path, step: int) -> None:
        """Keep it as an artifact."""
        self.file(path)

    def file(self, path: pathlib.Path) -> None:
        """Keep it as an artifact, in place of that of before."""
        self.client.log_artifact(self.run, str(path))

    def result(self, line: Mapping[str, Any]) -> None:
        """Keep the line as `result.json`, and its numbers as metrics `result/...`."""
        now, step = int(1000 * time.time()), line.get("steps") or 0
        found = numbers(line).items()
        logged = [Metric(f"result/{name}", v, now, step) for name, v in found]
        self.client.log_batch(self.run, metrics=logged)
        self.client.log_dict(self.run, dict(line), "result.json")

    def close(self, status: str) -> None:
        """End the run of MLflow."""
        self.client.set_terminated(self.run, STATUS[status])
