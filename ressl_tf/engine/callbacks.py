"""Callbacks of a run: speed, collapse, NaN, kNN, the metrics log, checkpoints.

Keras calls them in the order of the list; each may add to `logs` what the later ones
show, write or save.
"""

import logging
import math
import time
from collections.abc import Callable

import keras

from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.nonfinite import NonfiniteGuard
from ressl_tf.engine.workdir import Workdir
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch

log = logging.getLogger("ressl_tf")


class Speed(keras.callbacks.Callback):
    """Adds a speed to the logs, and `input_wait`, the share of time spent waiting.

    Both are those of the epoch so far; the second where the model measures it
    (`executing`). The first step of a run, which builds the graph, does not count.

    Args:
        batch_size: images a step, over all devices.
        name: in the logs.
    """

    def __init__(self, batch_size: int, name: str = "images_per_second"):
        super().__init__()
        self.batch_size, self.name = batch_size, name
        self.started = None

    def on_epoch_begin(self, epoch, logs=None):
        self.steps = 0
        if self.started is not None:
            self._start()

    def on_train_batch_end(self, batch, logs=None):
        if self.started is None:
            self._start()
            return
        self.steps += 1
        logs.update(self._figures())

    def on_epoch_end(self, epoch, logs=None):
        if self.steps:
            logs.update(self._figures())

    def _start(self):
        self.started, self.waited = time.perf_counter(), self._waited()

    def _waited(self):
        waited = getattr(self.model.train_function, "waited", None)
        return None if waited is None else float(waited)

    def _figures(self):
        seconds = time.perf_counter() - self.started
        figures = {self.name: self.steps * self.batch_size / seconds}
        if self.waited is not None:
            figures["input_wait"] = (self._waited() - self.waited) / seconds
        return figures


class AfterFirstStep(keras.callbacks.Callback):
    """Call `function` once, after the first step that is taken here.

    What it computes then is compiled already, and the step does not wait for it.
    """

    def __init__(self, function: Callable[[], None]):
        super().__init__()
        self.function, self.called = function, False

    def on_train_batch_end(self, batch, logs=None):
        if not self.called:
            self.called = True
            self.function()


class WatchNaN(keras.callbacks.Callback):
    """Ends the run at a non-finite step, or reports that it was skipped.

    Args:
        guard: of the model.
        limit: so many non-finite steps in a row end a run that skips them.

    Raises:
        RunError: names the step; checkpoints stay as they are.
    """

    def __init__(self, guard: NonfiniteGuard, limit: int):
        super().__init__()
        self.guard, self.limit, self.seen = guard, limit if guard.skip else 1, 0

    def on_train_begin(self, logs=None):
        self.seen = int(self.guard.bad_steps.numpy())

    def on_train_batch_end(self, batch, logs=None):
        bad, row, last = (int(v.numpy()) for v in self.guard.variables)
        if row >= self.limit:
            raise RunError(
                f"step {last} gave NaN{f', as {row} in a row did' if row > 1 else ''}; "
                "try a lower --learning_rate, a longer --warmup_epochs"
                f"{'' if self.guard.skip else ' or --on_nan=skip'}; the last "
                "checkpoint is from before"
            )
        if bad > self.seen:
            log.warning("step %d gave NaN and is skipped (%d so far)", last, bad)
        self.seen = bad


class CollapseWarning(keras.callbacks.Callback):
    """Warns when all images get the same embedding or the same relation.

    A std of 1/sqrt(d) is that of embeddings uniform on the sphere; 0 is a point. A
    teacher whose relation has the entropy of a uniform one, log K, teaches nothing.
    """

    def on_epoch_end(self, epoch, logs=None):
        spread = logs["embedding_std"] * math.sqrt(self.model.online.embedding_dim)
        relational = "teacher_entropy" in self.model.signal_names
        if spread < 0.1:
            log.warning(
                "the embeddings collapse: their std is %.0f%% of 1/sqrt(dim); try a "
                "%shigher --momentum",
                100 * spread,
                "lower --teacher_temp or a " if relational else "",
            )
        if not relational or "teacher_entropy" not in logs:
            return
        uniform = math.log(self.model.relation_size)
        if uniform > 0 and logs["teacher_entropy"] > 0.99 * uniform:
            log.warning(
                "the teacher's relation is uniform: entropy %.2f of log K = %.2f; "
                "try a lower --teacher_temp",
                logs["teacher_entropy"],
                uniform,
            )


class KNNMonitor(keras.callbacks.Callback):
    """Adds `knn_top1` to the logs every n epochs and after the last step.

    Args:
        measure: model -> accuracy.
        every: n.
        last_step: of the run.
    """

    def __init__(
        self, measure: Callable[[keras.Model], float], every: int, last_step: int
    ):
        super().__init__()
        self.measure, self.every, self.last_step = measure, every, last_step

    def on_epoch_end(self, epoch, logs=None):
        last = int(self.model.step.numpy()) == self.last_step
        if last or (epoch + 1) % self.every == 0:
            logs["knn_top1"] = self.measure(self.model)


class KeepMetrics(keras.callbacks.Callback):
    """Restores the running means that `fit` resets when a run resumes mid-epoch.

    Args:
        steps_per_epoch: of the run.
    """

    def __init__(self, steps_per_epoch: int):
        super().__init__()
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        inside = int(self.model.step.numpy()) % self.steps_per_epoch
        kept = self.model.metrics_variables if inside else []
        self.kept = [(variable, variable.numpy()) for variable in kept]

    def on_epoch_begin(self, epoch, logs=None):
        for variable, value in self.kept:
            variable.assign(value)
        self.kept = []


class MetricsLog(keras.callbacks.Callback):
    """Adds the epoch's logs to `metrics.jsonl`.

    Args:
        workdir: of the run.
        steps_per_epoch: of the run; the epoch of a row is its step divided by it.
    """

    def __init__(self, workdir: Workdir, steps_per_epoch: int):
        super().__init__()
        self.workdir, self.steps_per_epoch = workdir, steps_per_epoch

    def on_epoch_end(self, epoch, logs=None):
        step = int(self.model.step.numpy())
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        row = {"epoch": round(step / self.steps_per_epoch, 4), "step": step, **logs}
        self.workdir.log(row)


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves a checkpoint at the end of every epoch, in between, and before a stop.

    The last of all: at the end of an epoch, its row is in the log when it saves, so
    that a run that goes on from there lacks none.

    Args:
        checkpoints: where.
        every_steps: 0 for never between the epochs' ends.
        every_minutes: the same by the clock.
        watch: says whether the run was asked to stop.

    Raises:
        Interrupted: after the step in which it was, when it is saved.
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

    def on_train_begin(self, logs=None):
        self._saved(self._step())

    def on_epoch_begin(self, epoch, logs=None):
        if self.watch.asked:
            self._stop()  # nothing was done since the last checkpoint

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 >= self.params["steps"]:
            return  # the epoch's end follows
        if self.watch.asked or self._due():
            self._save()
        if self.watch.asked:
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._save()

    def _step(self):
        return int(self.model.step.numpy())

    def _due(self):
        steps, minutes = self.every_steps, self.every_minutes
        late = minutes and time.perf_counter() - self.saved_at >= 60 * minutes
        return late or (steps and self._step() // steps > self.saved_step // steps)

    def _save(self):
        self.checkpoints.save(self.model)
        self._saved(self._step())

    def _saved(self, step):
        self.saved_step, self.saved_at = step, time.perf_counter()

    def _stop(self):
        step = self._step()
        folder = self.checkpoints.folder.parent
        raise Interrupted(
            f"{folder}: stopped by {self.watch.asked} after step {step}",
            {"steps": step, "workdir": str(folder)},
        )
