"""TensorBoard: scalars, hparams, pictures, the result, and the embedding projector."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf
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
        """Return Keras's callback, which writes the scalars of each epoch."""
        return [keras.callbacks.TensorBoard(str(self.place), write_graph=False)]

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
