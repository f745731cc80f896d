"""Flags of who follows a run, made anew for each class that has them."""

from typing import Any

from ressl_tf.config.tracker_table import TRACKERS
from ressl_tf.runtime.flags import option


def tracker() -> Any:
    """Declare `--tracker`."""
    return option(
        ("tensorboard",),
        "Where config, metrics, pictures, report and result are written too, besides "
        "the workdir: several with commas; none for nowhere. mlflow and wandb need "
        "pip install 'ressl_tf[trackers]' and are set up as ever, by MLFLOW_... and "
        "WANDB_... in the environment.",
        choices=("none", *TRACKERS),
        any_length=True,
        free=True,
    )


def tensorboard() -> bool:
    """Declare `--tensorboard`."""
    return option(
        True,
        "Let tensorboard be among --tracker; --notensorboard takes it out.",
        free=True,
    )


def chosen(config: Any) -> list[str]:
    """Return the names of the trackers that a config asks for, each once."""
    without = {"none"} if config.tensorboard else {"none", "tensorboard"}
    return [name for name in dict.fromkeys(config.tracker) if name not in without]
