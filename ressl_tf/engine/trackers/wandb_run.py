"""Weights & Biases: config, metrics, media and summary of a run, online or offline."""

import os
import pathlib
import secrets
from collections.abc import Mapping
from typing import Any

import wandb

from ressl_tf.engine.trackers.tracker import Tracker, numbers, remembered


class WandB(Tracker):
    """A tracker that is a run of wandb, also when the run of this package goes on.

    `WANDB_MODE=offline` writes into the workdir alone; `WANDB_PROJECT` names the
    project, ressl_tf without.
    """

    def __init__(self, folder: pathlib.Path, config: Mapping[str, Any]):
        super().__init__(folder, config)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or "ressl_tf",
            name=folder.name,
            id=remembered(folder, "wandb", lambda: secrets.token_hex(4)),
            resume="allow",
            dir=str(folder),
            config=dict(config),
            settings=wandb.Settings(console="off", silent=True),
        )
        self.run.define_metric("*", step_metric="step")

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Log the numbers over their step."""
        self.run.log({"step": row["step"], **numbers(row)})

    def picture(self, path: pathlib.Path, step: int) -> None:
        """Log it as media."""
        self.run.log({"step": step, path.stem: wandb.Image(str(path))})

    def file(self, path: pathlib.Path) -> None:
        """Show a page as media, and keep any other file with the run."""
        if path.suffix == ".html":
            self.run.log({path.stem: wandb.Html(path.read_text(encoding="utf-8"))})
        else:
            self.run.save(str(path), base_path=str(self.folder), policy="now")

    def result(self, line: Mapping[str, Any]) -> None:
        """Keep it as the summary."""
        self.run.summary.update({f"result/{k}": v for k, v in line.items()})

    def close(self, status: str) -> None:
        """End the run of wandb; one that failed is shown as crashed."""
        self.run.finish(exit_code=int(status == "failed"))
