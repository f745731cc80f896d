"""Callbacks of a run: speed, non-finite steps, collapse, kNN, log, checkpoints.

Keras calls them in the order of the list; each may add to `logs` what the later ones
show, write or save.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

import keras

from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.nonfinite import NonfiniteGuard
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch

Schedule = keras.optimizers.schedules.LearningRateSchedule
log = logging.getLogger("ressl_tf")
COLLAPSED_STD = 0.1  # of 1/sqrt(d): embeddings below are one point
UNIFORM_ENTROPY = 0.99  # of log K: a relation above says nothing
Logs = dict[str, Any]  # metric -> float; Keras passes the same one to all callbacks


class Speed(keras.callbacks.Callback):
    """A callback that logs throughput and the fraction of time spent waiting for input.

    Both are means over the epoch so far. The second, `input_wait`, is logged where the
    model measures it (`TrainFunction`). The first step of a run, which builds the
    graph, is not measured.

    Args:
        batch_size: images per step, over all devices.
        name: of the throughput in the logs.
    """

    def __init__(self, batch_size: int, name: str = "images_per_second"):
        super().__init__()
        self.batch_size, self.name = batch_size, name
        self.started: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock anew, but in the first epoch of a run."""
        self.steps = 0
        if self.started is not None:
            self._start()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Count the step; start the clock after the first one."""
        if self.started is None:
            self._start()
            return
        self.steps += 1
        logs.update(self._figures())

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Log both figures of the whole epoch."""
        if self.steps:
            logs.update(self._figures())

    def _start(self) -> None:
        self.started, self.waited = time.perf_counter(), self._input_wait()

    def _input_wait(self) -> float | None:
        seconds = getattr(self.model.train_function, "input_wait", None)
        return None if seconds is None else float(seconds)

    def _figures(self):
        seconds = time.perf_counter() - self.started
        figures = {self.name: self.steps * self.batch_size / seconds}
        if self.waited is not None:
            figures["input_wait"] = (self._input_wait() - self.waited) / seconds
        return figures


class AfterFirstStep(keras.callbacks.Callback):
    """A callback that calls `function` once, after the first step of this process.

    The step is compiled by then, and does not wait for the function.
    """

    def __init__(self, function: Callable[[], None]):
        super().__init__()
        self.function, self.called = function, False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Call the function after the first step."""
        if not self.called:
            self.called = True
            self.function()


class WatchNaN(keras.callbacks.Callback):
    """A callback that ends the run at a non-finite step, or reports that it is skipped.

    Args:
        guard: of the model.
        limit: number of non-finite steps in a row that ends a run that skips them.

    Raises:
        RunError: names the step; checkpoints stay as they are.
    """

    def __init__(self, guard: NonfiniteGuard, limit: int):
        super().__init__()
        self.guard, self.limit, self.seen = guard, limit if guard.skip else 1, 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Note how many steps were non-finite before."""
        self.seen = int(self.guard.bad_steps.numpy())

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the counters of the guard."""
        bad, in_a_row, last = (int(v.numpy()) for v in self.guard.variables)
        if in_a_row >= self.limit:
            raise RunError(
                f"step {last} is not finite (NaN or infinity)"
                f"{f', the last of {in_a_row} in a row' if in_a_row > 1 else ''}; "
                "try a lower --learning_rate, a longer --warmup_epochs"
                f"{'' if self.guard.skip else ' or --on_nan=skip'}; the last "
                "checkpoint is from before"
            )
        if bad > self.seen:
            log.warning(
                "step %d is not finite (NaN or infinity) and is skipped (%d so far)",
                last,
                bad,
            )
        self.seen = bad


class CollapseWarning(keras.callbacks.Callback):
    """A callback that warns when all images get one embedding, or one relation.

    Embeddings that are uniform on the sphere have a std of 1/sqrt(d); a single point
    has 0. A uniform relation has the entropy log K: such a teacher teaches nothing.
    """

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Warn by the epoch's `embedding_std` and `teacher_entropy`."""
        relative_std = logs["embedding_std"] * math.sqrt(
            self.model.online.embedding_dim
        )
        relational = "teacher_entropy" in self.model.signal_names
        if relative_std < COLLAPSED_STD:
            log.warning(
                "the embeddings collapse: their std is %.0f%% of 1/sqrt(dim); try a "
                "%shigher --momentum",
                100 * relative_std,
                "lower --teacher_temp or a " if relational else "",
            )
        if not relational or "teacher_entropy" not in logs:
            return
        uniform = math.log(self.model.relation_size)
        if uniform > 0 and logs["teacher_entropy"] > UNIFORM_ENTROPY * uniform:
            log.warning(
                "the teacher's relation is uniform: entropy %.2f of log K = %.2f; "
                "try a lower --teacher_temp",
                logs["teacher_entropy"],
                uniform,
            )


class KNNMonitor(keras.callbacks.Callback):
    """A callback that logs `knn_top1` every n epochs and after the last step.

    Args:
        measure: model -> accuracy, a fraction.
        every: n.
        last_step: of the run.
    """

    def __init__(
        self, measure: Callable[[keras.Model], float], every: int, last_step: int
    ):
        super().__init__()
        self.measure, self.every, self.last_step = measure, every, last_step

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Measure the model where it is due."""
        last = int(self.model.step.numpy()) == self.last_step
        if last or (epoch + 1) % self.every == 0:
            logs["knn_top1"] = self.measure(self.model)


class KeepMetrics(keras.callbacks.Callback):
    """A callback that restores the running means of a run that resumes mid-epoch.

    `fit` resets them at the start of each of its epochs.

    Args:
        steps_per_epoch: of the run.
    """

    def __init__(self, steps_per_epoch: int):
        super().__init__()
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Copy the means, if the model's step is inside an epoch."""
        inside = int(self.model.step.numpy()) % self.steps_per_epoch
        kept = self.model.metrics_variables if inside else []
        self.kept = [(variable, variable.numpy()) for variable in kept]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Restore them once, after `fit` has reset them."""
        for variable, value in self.kept:
            variable.assign(value)
        self.kept = []


class MetricsLog(keras.callbacks.Callback):
    """A callback that adds the epoch's logs to `metrics.jsonl`.

    Args:
        write: takes a row.
        steps_per_epoch: of the run; the epoch of a row is its step divided by it.
    """

    def __init__(self, write: Callable[[Logs], None], steps_per_epoch: int):
        super().__init__()
        self.write, self.steps_per_epoch = write, steps_per_epoch

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Add learning rate and scheduled decay to the logs, and a row to the file."""
        step, optimizer = int(self.model.step.numpy()), self.model.optimizer
        logs["learning_rate"] = float(optimizer.learning_rate)
        if isinstance(getattr(optimizer, "decay_schedule", None), Schedule):
            logs["weight_decay"] = float(optimizer.weight_decay)
        row = {"epoch": round(step / self.steps_per_epoch, 4), "step": step, **logs}
        self.write(row)


class SaveCheckpoint(keras.callbacks.Callback):
    """A callback that saves checkpoints: after epochs, in between, and before a stop.

    It must be the last in the list: the row of an epoch is then in the log before the
    checkpoint is saved, so that a run that resumes from it lacks none.

    Args:
        checkpoints: saves them.
        every_steps: steps between checkpoints inside an epoch; 0 for none there.
        every_minutes: the same in minutes.
        watch: says whether the run was asked to stop.

    Raises:
        Interrupted: the run was asked to stop; raised after the step in which it was,
            when that is saved.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        every_steps: int = 0,
        every_minutes: float = 0.0,
        watch: Watch | None = None,
    ):
        super().__init__()
        self.checkpoints, self.watch = checkpoints, watch or Watch()
        self.every_steps, self.every_minutes = every_steps, every_minutes

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Count steps and minutes from here."""
        self._remember(self._step())

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Stop the run, if it was asked to after its last step."""
        if self.watch.asked:
            self._stop()  # nothing was done since the last checkpoint

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save where it is due, and stop the run if it was asked to."""
        if batch + 1 >= self.params["steps"]:
            return  # the epoch's end follows
        if self.watch.asked or self._due():
            self._save()
        if self.watch.asked:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save."""
        self._save()

    def _step(self) -> int:
        return int(self.model.step.numpy())

    def _due(self):
        steps, minutes = self.every_steps, self.every_minutes
        late = minutes and time.perf_counter() - self.saved_at >= 60 * minutes
        return late or (steps and self._step() // steps > self.saved_step // steps)

    def _save(self):
        self.checkpoints.save(self.model)
        self._remember(self._step())

    def _remember(self, step):
        self.saved_step, self.saved_at = step, time.perf_counter()

    def _stop(self):
        step = self._step()
        folder = self.checkpoints.folder.parent
        raise Interrupted(
            f"{folder}: stopped by {self.watch.asked} after step {step}",
            {"steps": step, "workdir": str(folder)},
            by=self.watch.asked,
        )
