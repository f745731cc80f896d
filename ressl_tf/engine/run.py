"""A run of training, from its first step or a checkpoint to its last step.

Its data are given: images, a graph, images with labels. The rest is here, for all of
them: resume, callbacks, fit, result.
"""

import dataclasses
import functools
import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.engine import callbacks, first_steps, own_callbacks, sheet
from ressl_tf.engine.checkpoint import Checkpoints, step_of, weights_sha256
from ressl_tf.engine.progress import KERAS_BAR, Progress
from ressl_tf.engine.tracking import Tracking
from ressl_tf.engine.workdir import Workdir
from ressl_tf.runtime import mirrors
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.energy import EnergyMeter
from ressl_tf.runtime.errors import Interrupted
from ressl_tf.runtime.kernels import cpu_kernels
from ressl_tf.runtime.signals import Watch

log = logging.getLogger("ressl_tf")


@dataclasses.dataclass
class Run:
    """A run: config, data, model, steps and workdir.

    Attributes:
        config: flags of the run.
        data: a source of images, a graph, or a task with labels.
        model: compiled, with `step`, `networks`, `queues` and `guard`.
        batches: returns the batches of the steps from its first argument to before its
            second.
        steps_per_epoch: of the data.
        last_step: the step after which the run ends.
        workdir: config, log and checkpoints.
        watch: says whether the run was asked to stop.
        tracking: those who follow the run.
        steps_per_row: steps between two rows of the log and two checkpoints; 0 for an
            epoch.
        speed: the name of the throughput in the log, and what one step adds to it.
        fingerprint: returns what tells the data apart from others; None for a run that
            `verify` does not take.
    """

    config: Any
    data: Any
    model: keras.Model
    batches: Callable[[int, int], tf.data.Dataset]
    steps_per_epoch: int
    last_step: int
    workdir: Workdir
    watch: Watch
    tracking: Tracking
    steps_per_row: int = 0
    speed: tuple[str, int] = ("images_per_second", 1)
    fingerprint: Callable[[], dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        self.clock, self.energy, self.begun_at = time.monotonic(), EnergyMeter(), 0
        self.steps_per_row = self.steps_per_row or self.steps_per_epoch
        folder, keep = self.workdir.checkpoints, self.config.keep_checkpoints
        self.checkpoints = Checkpoints(folder, keep, self.workdir.check_there)
        self.own = own_callbacks.load(getattr(self.config, "callbacks", ()))
        self.watch.last_words = self._last_words

    def resume(self) -> None:
        """Restore the newest checkpoint, if there is one, and cut the log to it."""
        path = self.checkpoints.restore(self.model)
        step = self.begun_at = int(self.model.step.numpy())
        self.workdir.resume_at(step, self.steps_per_row, self.last_step)
        if path:
            epoch = step / self.steps_per_epoch
            log.info("going on from %s (epoch %.2f)", path, epoch)

    @property
    def is_new(self) -> bool:
        """Whether the log is empty."""
        return not self.workdir.rows()

    def log(self, row: dict[str, Any]) -> None:
        """Write a row of the log, and show it to those who follow."""
        self.workdir.log(row)
        self.tracking.metrics(row)

    def show(self, *names: str) -> None:
        """Show pictures of the workdir to those who follow, as they are now."""
        for name in names:
            path = self.workdir.path / f"{name}.png"
            self.tracking.picture(path, int(self.model.step.numpy()))

    @functools.cached_property
    def sheet(self) -> dict[str, Any]:
        """The reproducibility sheet; made once, as it asks git and looks files up."""
        data = self.fingerprint() if self.fingerprint else {}
        return sheet.describe(self.config.seed, data)

    def keep(self, line: dict[str, Any]) -> None:
        """Write `result.json`: the JSON line, with what made it.

        A process that took no step leaves the file of the one before as it is, and the
        workdir of a version that wrote none.
        """
        path = self.workdir.path / "result.json"
        older = not (self.workdir.path / first_steps.FILE).exists()
        if self.begun_at == self.last_step and (older or path.exists()):
            return
        spent = {
            "resumed_after_step": self.begun_at,
            "seconds": round(time.monotonic() - self.clock, 1),
            "joules": self.energy.joules(),
        }
        kept = {**line, "made_with": {**self.sheet, **spent}}
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(kept, indent=1) + "\n")

    def fit(
        self,
        monitors: Sequence[keras.callbacks.Callback] = (),
        after_first_step: Callable[[], None] | None = None,
        between_epochs: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Train from the model's step to the last one.

        Args:
            monitors: callbacks that add to the logs of an epoch.
            after_first_step: called once, before the first step is checked.
            between_epochs: callbacks whose work at the start of an epoch is not
                measured as a part of it.
        """
        watchers = [*between_epochs, *self.callbacks(monitors)]
        if after_first_step is not None:
            watchers.insert(0, callbacks.AfterFirstStep(after_first_step))
        per_row, last = self.steps_per_row, self.last_step
        fit_segments(self.model, self.batches, per_row, last, watchers)

    def callbacks(
        self, monitors: Sequence[keras.callbacks.Callback] = ()
    ) -> list[keras.callbacks.Callback]:
        """List the callbacks, in the order in which they add to the logs and use them.

        Args:
            monitors: called before the log is written.
        """
        config, (name, count) = self.config, self.speed
        watchers = [
            callbacks.KeepMetrics(self.steps_per_row),
            callbacks.Speed(count, name),
            callbacks.WatchNaN(self.model.guard, config.max_nan_steps),
            *monitors,
            callbacks.MetricsLog(self.log, self.steps_per_epoch),
        ]
        if self.fingerprint is not None:
            place, last = self.workdir.path, self.last_step
            watchers.append(
                first_steps.RememberFirstSteps(place, config, last, lambda: self.sheet)
            )
        if not KERAS_BAR.get():
            per_epoch, seconds = self.steps_per_epoch, config.log_seconds
            watchers.append(Progress(per_epoch, self.last_step, seconds))
        watchers += self.tracking.callbacks()
        saver = callbacks.SaveCheckpoint(
            self.checkpoints,
            config.checkpoint_every_steps,
            config.checkpoint_every_minutes,
            self.watch,
        )
        return [*watchers, *self.own, saver]

    def _last_words(self, signal: str) -> Interrupted:
        """Say what is kept of a run whose step outlasts `--grace_seconds`.

        Nothing is read from a disk, which may be what the step waits for.
        """
        last, place = self.checkpoints.last, mirrors.shown(self.workdir.path)
        kept = f"the last checkpoint is {last}" if last else "there is no checkpoint"
        return Interrupted(
            f"{place}: {signal} came, and the work at hand did not end within "
            f"--grace_seconds={self.config.grace_seconds:g}; {kept}",
            {"steps": step_of(last) if last else 0, "workdir": place},
            by=signal,
        )

    def result(self) -> dict[str, Any]:
        """Return the fields that the JSON line of every run has."""
        last = self.workdir.rows()[-1]
        return {
            "epochs": last["step"] / self.steps_per_epoch,
            "steps": last["step"],
            "steps_skipped": int(self.model.guard.bad_steps.numpy()),
            "loss": last.get("loss"),
            "seed": self.config.seed,
            "cpu_kernels": cpu_kernels(),
            "weights_sha256": weights_sha256(self.model),
            "workdir": mirrors.shown(self.workdir.path),
        }

    def throughput(self) -> float | None:
        """Return the median speed over the log; None where nothing was measured."""
        name = self.speed[0]
        speeds = [row[name] for row in self.workdir.rows() if name in row]
        return statistics.median(speeds) if speeds else None


def last_step(config: Any, steps_per_epoch: int) -> int:
    """Return the last step of a run: that of its last epoch, or `max_steps`."""
    total = config.total_epochs * steps_per_epoch
    return min(total, config.max_steps) if config.max_steps else total


def fit_segments(
    model: keras.Model,
    batches: Callable[[int, int], tf.data.Dataset],
    per_epoch: int,
    stop: int,
    watchers: list[keras.callbacks.Callback],
) -> None:
    """Train from the model's step to before `stop`.

    Args:
        model: compiled, with a `step` that goes on counting.
        batches: returns the batches of the steps from its first argument to before its
            second.
        per_epoch: number of steps.
        stop: step, counted from the start of the run.
        watchers: callbacks of Keras.
    """
    begin = int(model.step.numpy())
    for start, epoch, end_epoch, steps in segments(begin, stop, per_epoch):
        model.fit(
            batches(start, start + steps * (end_epoch - epoch)),
            initial_epoch=epoch,
            epochs=end_epoch,
            steps_per_epoch=steps,
            callbacks=watchers,
            verbose=int(KERAS_BAR.get()),  # `engine.progress` says more
            shuffle=False,
        )


def segments(
    start: int, stop: int, per_epoch: int
) -> Iterator[tuple[int, int, int, int]]:
    """Divide the steps from `start` to before `stop` into calls of `fit`.

    Yields:
        (first step, epoch, end epoch, steps per epoch): the rest of a broken epoch,
        then all whole ones, then the beginning of the last.
    """
    while start < stop:
        epoch, done = divmod(start, per_epoch)
        whole = (stop - start) // per_epoch
        if done or not whole:
            steps = min(per_epoch - done, stop - start)
            yield start, epoch, epoch + 1, steps
            start += steps
        else:
            yield start, epoch, epoch + whole, per_epoch
            start += whole * per_epoch
