"""The best checkpoint of a run by kNN, besides its last ones."""

import logging
from typing import Any

import keras

from ressl_tf.engine.checkpoint import Checkpoints

log = logging.getLogger("ressl_tf")
MONITOR = "knn_top1"


class KeepBest(keras.callbacks.Callback):
    """A callback that saves `best.npz` whenever kNN is better than ever before.

    It must be called after what logs `knn_top1`, and before the checkpoint from which a
    run resumes: one that is killed in between measures and saves the epoch again.

    Args:
        checkpoints: saves it.
    """

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self.checkpoints = checkpoints

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Save the weights if they are the best."""
        best = self.checkpoints.best_figures().get(MONITOR, -1.0)
        if logs.get(MONITOR, -1.0) > best:
            self.checkpoints.save_best(self.model, {MONITOR: logs[MONITOR]})
            step = int(self.model.step.numpy())
            log.info("best so far: kNN top-1 %.4f after step %d", logs[MONITOR], step)
