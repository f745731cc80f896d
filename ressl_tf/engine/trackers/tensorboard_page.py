"""TensorBoard: scalars, hparams, pictures, the result, and the embedding projector."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf
from tensorboard import summary
from tensorboard.plugins.hparams import summary_v2 as hparams

from ressl_tf.config.unused_flags import meant
from ressl_tf.engine.trackers.tracker import Tracker, as_text
from ressl_tf.runtime.paths import check_text


class TensorBoard(Tracker):
    """A tracker that writes `tensorboard/` into the workdir.

    `tensorboard --logdir=WORKDIR` shows it; over a folder of workdirs HPARAMS is a
    table of the runs.
    """

    def __init__(self, folder: pathlib.Path, config: Mapping[str, Any]):
        super().__init__(folder, config)
        check_text(folder, "--workdir (or give --notensorboard)")
        self.place = folder / "tensorboard"
        self.writer = tf.summary.create_file_writer(str(self.place))
        used = meant(config).items()
        flat = {k: as_text(v) if isinstance(v, list) else v for k, v in used}
        with self.writer.as_default(step=0):
            hparams.hparams(flat, trial_id=folder.name)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Return one that writes the scalars of each epoch."""
        return [EpochScalars(self.place / "train")]

    def picture(self, path: pathlib.Path, step: int) -> None:
        """Show it among IMAGES."""
        image = tf.io.decode_png(path.read_bytes(), channels=3)
        with self.writer.as_default(step=step):
            tf.summary.image(path.stem, image[None])

    def embedding(self, write: Callable[[pathlib.Path], None]) -> None:
        """Show it as PROJECTOR."""
        write(self.place)

    def result(self, line: Mapping[str, Any]) -> None:
        """Show it as TEXT, a table."""
        rows = [f"| {name} | {json.dumps(value)} |" for name, value in line.items()]
        with self.writer.as_default(step=int(line.get("steps", 0))):
            tf.summary.text("result", "\n".join(["| | |", "|---|---|", *rows]))

    def close(self, status: str) -> None:
        """Close the file."""
        self.writer.close()


class EpochScalars(keras.callbacks.Callback):
    """A callback that writes the logs of each epoch as Keras's TensorBoard does.

    It has the folder and names of that one, which writes by TensorFlow's operations: a
    process grew by 1 MB in 100 epochs.

    Args:
        folder: of the event files, one for each call of `fit`.
    """

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self.folder = str(folder)
        self.writer: summary.Writer | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Write all numbers, to the disk."""
        if self.writer is None:
            self.writer = summary.Writer(self.folder)
        for name, value in logs.items():
            self.writer.add_scalar(f"epoch_{name}", value, step=epoch)
        self.writer.flush()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Close the file."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
