"""Start the run that a config asks for, on images or on whatever its method takes.

`ressl_tf.pretrain` is the call of `pretraining.calls`, which takes flags as arguments.
"""

import importlib
from typing import Any

from ressl_tf.config import Config


def pretrain(config: Config) -> dict[str, Any] | None:
    """Pretrain as `config` says, or go on where the same config stopped.

    Returns:
        The result, as the command line prints it; None on all workers but the chief.

    Raises:
        UsageError: when the config, the data or the workdir cannot be used.
        RunError: when the run fails: NaN, unreadable images, a full disk, a worker
            that is lost.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    return importlib.import_module(config.kind.runner).pretrain(config)


def describe(config: Config) -> dict[str, Any]:
    """Report what a config would run, without running it: `--dry_run`.

    Raises:
        UsageError: when the config cannot be used.
    """
    return importlib.import_module(config.kind.runner).describe(config)
