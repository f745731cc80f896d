"""One row a tracker: its name for `--tracker`, its class, what it needs.

The table is data: a class is loaded when a run that names it begins.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TrackerRow:
    """Where a tracker lives.

    Attributes:
        home: "module:Class".
        package: what has to be installed for it.
    """

    home: str
    package: str


TRACKERS = {
    "mlflow": TrackerRow("ressl_tf.engine.trackers.mlflow_store:MLflow", "mlflow"),
    "tensorboard": TrackerRow(
        "ressl_tf.engine.trackers.tensorboard_page:TensorBoard", "tensorboard"
    ),
    "wandb": TrackerRow("ressl_tf.engine.trackers.wandb_run:WandB", "wandb"),
}
