"""The flag that says which checkpoint of a workdir is used, made anew for a class."""

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
