"""Flags that say which encoder is used, each made anew for its class."""

from typing import Any

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


def model_selection() -> str:
    """Declare `--model_selection`."""
    return option(
        "last",
        "Checkpoint of --workdir: last, or best: the one with the best kNN top-1, of a "
        "run with --keep_best; that uses labels.",
        choices=("last", "best"),
    )


def model() -> str:
    """Declare `--model`."""
    return option(
        "",
        "Encoder instead of --workdir: a SavedModel of ressl_tf.export, or a .keras "
        "file of a model from images to features.",
        path=True,
    )


def check_one_encoder(config: Any) -> None:
    """Refuse both of `--workdir` and `--model`, or neither.

    Raises:
        UsageError: says which of the two it was.
    """
    if bool(config.workdir) == bool(config.model):
        raise UsageError(
            "give one of --workdir and --model. Received: "
            + ("both" if config.workdir else "neither")
        )


def check_model_selection(config: Any) -> None:
    """Refuse to choose where there is one model, or none that was trained.

    Args:
        config: with `model_selection`, `workdir` and perhaps `untrained`.

    Raises:
        UsageError: names the other flag.
    """
    untrained = getattr(config, "untrained", False)
    if config.model_selection == "best" and (untrained or not config.workdir):
        raise UsageError(
            "--model_selection=best chooses among the checkpoints of a --workdir. "
            f"Received: {'--untrained' if untrained else f'--model={config.model}'}"
        )
