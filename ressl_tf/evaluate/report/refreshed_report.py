"""The report of a run that goes on: written anew every few epochs, and at the end."""

import dataclasses
import logging
from collections.abc import Callable

import keras

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.evaluate.report import written_report
from ressl_tf.evaluate.report.shown_images import Reading
from ressl_tf.runtime import host
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
        self.reading: Reading | None = None  # of all reports

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Write the report, where it is due; the epoch before is saved by now."""
        if own(self.model) and epoch and epoch % self.config.report_every == 0:
            _or_warn(self._write)
            host.give_back_memory()

    def _write(self) -> str:
        config = dataclasses.replace(
            report_config(self.config),
            images=IMAGES_MEANWHILE,
            projection=("pca",),
            checkpoints=1,
        )
        self.reading = self.reading or reading_of(self.config, self.model)
        return str(written_report.write(config, self.reading)["report"])


def own(model: keras.Model) -> bool:
    """Return whether one device has all of a model."""
    return model.distribute_strategy.num_replicas_in_sync == 1


def reading_of(run: Config, model: keras.Model | None) -> Reading:
    """Read by the model where a report can; else another is built, in float32."""
    alone = model is not None and own(model) and run.mixed_precision == "none"
    return Reading(model if alone else None)


def report_config(run: Config) -> ReportConfig:
    """Return the flags of a run's report."""
    return ReportConfig(
        workdir=run.run_dir, on_bad_image=run.on_bad_image, max_pixels=run.max_pixels
    )


def write_report(run: Config, model: keras.Model | None = None) -> str:
    """Write the report into the workdir of a run; a failure is only a warning.

    Args:
        run: config of the run.
        model: of a run on images; what it has compiled is used again.

    Returns:
        The path; empty where it could not be written.
    """

    def write() -> str:
        line = written_report.write(report_config(run), reading_of(run, model))
        return str(line["report"])

    return _or_warn(write)


def _or_warn(write: Callable[[], str]) -> str:
    try:
        return write()
    except (UsageError, RunError) as error:
        log.warning("the report is not written: %s", error)
        return ""
