"""The report of a run that goes on: written anew every few epochs, and at the end."""

import dataclasses
import logging

import keras

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.evaluate.report import written_report
from ressl_tf.runtime.errors import RunError, UsageError

log = logging.getLogger("ressl_tf")
IMAGES_MEANWHILE = 500


class RefreshReport(keras.callbacks.Callback):
    """A callback that writes the report anew every n epochs, of the last checkpoint.

    The weights are put back: the run takes the same steps with it. Between several
    devices nothing is written before the end.

    Args:
        config: of the run.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Write the report, where it is due; the epoch before is saved by now."""
        if own(self.model) and epoch and epoch % self.config.report_every == 0:
            write_report(self.config, self.model, meanwhile=True)


def own(model: keras.Model) -> bool:
    """Return whether one device has all of a model."""
    return model.distribute_strategy.num_replicas_in_sync == 1


def write_report(
    run: Config, model: keras.Model | None = None, meanwhile: bool = False
) -> str:
    """Write the report into the workdir of a run; a failure is only a warning.

    Args:
        run: config of the run.
        model: of a run on images; what it has compiled is used again.
        meanwhile: whether the run goes on: fewer images, one checkpoint and no t-SNE.

    Returns:
        The path; empty where it could not be written.
    """
    if model is not None and not (own(model) and run.mixed_precision == "none"):
        model = None  # another is built, on one device and in float32
    try:
        config = ReportConfig(
            workdir=run.run_dir,
            on_bad_image=run.on_bad_image,
            max_pixels=run.max_pixels,
        )
        if meanwhile:
            config = dataclasses.replace(
                config, images=IMAGES_MEANWHILE, projection=("pca",), checkpoints=1
            )
        return str(written_report.write(config, model)["report"])
    except (UsageError, RunError) as error:
        log.warning("the report is not written: %s", error)
        return ""
