"""The weights after the first steps of a run, as a hash that others can check."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import keras

from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.engine.workdir import to_json
from ressl_tf.runtime.atomic import replacing

FILE = "first_steps.json"
STEPS = 20  # enough for every weight, the queue and the batch statistics to move


class RememberFirstSteps(keras.callbacks.Callback):
    """A callback that writes `first_steps.json` after step 20, or the last one before.

    It holds the step, the SHA-256 of the weights, the config and the reproducibility
    sheet of the process that took the step. No bit of the run depends on it.

    Args:
        folder: the workdir.
        config: of the run.
        last_step: of the run.
        describe: returns the sheet.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        config: Any,
        last_step: int,
        describe: Callable[[], dict[str, Any]],
    ):
        super().__init__()
        self.path, self.config, self.describe = folder / FILE, config, describe
        self.wanted = min(STEPS, last_step)
        self.done = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give it up for a run that goes on from a later step: an older one's."""
        # A run killed before its first checkpoint takes the step, and writes, again.
        self.done = self.done or int(self.model.step.numpy()) >= self.wanted

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the file after the first execution that reaches the step."""
        if self.done or (step := int(self.model.step.numpy())) < self.wanted:
            return
        self.done = True
        kept = {
            "step": step,
            "weights_sha256": weights_sha256(self.model),
            "config": to_json(self.config),
            "made_with": self.describe(),
        }
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(kept, indent=2) + "\n")
