"""A run that learns from labels: linear evaluation and fine-tuning."""

import dataclasses
import logging
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from ressl_tf.config.evaluate_config import SupervisedConfig
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.data.pipeline import steps_per_epoch, training_batches
from ressl_tf.data.sources import bad_images_as_run_errors
from ressl_tf.engine import callbacks, loop
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.nonfinite import NaNGuard
from ressl_tf.engine.optimizers import SGD
from ressl_tf.engine.schedules import WarmupCosine
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, results, scores
from ressl_tf.evaluate.task import Task, open_task
from ressl_tf.models.classifier import Classifier
from ressl_tf.runtime import distribute
from ressl_tf.runtime.signals import Watch
from ressl_tf.saving import keras_file

log = logging.getLogger("ressl_tf")


class Evaluate(keras.callbacks.Callback):
    """Adds `eval_top1` to the logs every n epochs.

    Args:
        measure: model -> figures of `evaluate.scores.report`.
        every: n; 0 for never.
    """

    def __init__(self, measure: Callable[[Classifier], dict], every: int):
        super().__init__()
        self.measure, self.every = measure, every

    def on_epoch_end(self, epoch, logs=None):
        if self.every and (epoch + 1) % self.every == 0:
            logs["eval_top1"] = self.measure(self.model)["top1"]


def run(
    config: SupervisedConfig, learn: Callable[[SupervisedConfig, Task], dict[str, Any]]
) -> dict[str, Any]:
    """Opens the config's task, lets `learn` solve it, and keeps the JSON line.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    with distribute.strategy(config.strategy).scope(), bad_images_as_run_errors():
        task = open_task(config)
        line = learn(dataclasses.replace(config, dataset=task.dataset), task)
    results.write_json(pathlib.Path(config.run_dir) / "result.json", line)
    return line


def classifier(config: SupervisedConfig, task: Task, frozen: bool) -> Classifier:
    """The encoder with a fresh head for the task's classes."""
    keras.utils.set_random_seed(config.seed)
    return Classifier(
        task.encoder,
        len(task.label_names),
        frozen=frozen,
        image_size=task.image_size,
        label_names=task.label_names,
    )


def train(
    model: Classifier,
    config: SupervisedConfig,
    task: Task,
    multipliers: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Trains in the config's folder, or goes on where the same config stopped.

    Args:
        model: made by `classifier`.
        config: of the run.
        task: its images.
        multipliers: factors on the learning rate, see `SGD`.

    Returns:
        The JSON line, without what is the caller's own.
    """
    batch_size = min(config.batch_size, task.train.size)
    per_epoch = steps_per_epoch(task.train, batch_size)
    model.compile(make_optimizer(config, per_epoch, multipliers))
    model.optimizer.build(model.trainable_variables)
    guard = NaNGuard(model, skip=config.on_nan == "skip")

    def measure(model):
        return evaluate(model, task)

    with Workdir(config, flag="--output") as workdir, Watch() as watch:
        checkpoints = Checkpoints(workdir.checkpoints, config.keep_checkpoints)
        if path := checkpoints.restore(model):
            log.info("going on from %s", path)
        step, last_step = int(model.step.numpy()), config.epochs * per_epoch
        workdir.resume_at(step, per_epoch, last_step)
        watchers = _callbacks(config, workdir, guard, per_epoch, measure)
        watchers.append(callbacks.save_checkpoint(checkpoints, config, watch))
        _fit(model, config, task, batch_size, watchers)
        last = workdir.rows()[-1]
        return {
            **finish(model, config, task, workdir.path, measure(model)),
            "epochs": config.epochs,
            "steps": last["step"],
            "loss": last["loss"],
            "train_top1": last["top1"],
        }


def evaluate(model: Classifier, task: Task) -> dict[str, Any]:
    """Figures of `evaluate.scores.report` on the test images, in inference mode."""
    logits, labels = features.extract(model, task.batches(task.test))
    return scores.report(logits, labels, task.label_names)


def make_optimizer(
    config: SupervisedConfig, per_epoch: int, multipliers: Sequence[float] | None
) -> SGD:
    """SGD with the config's schedule; `multipliers` as of `SGD`."""
    total = config.epochs * per_epoch
    if config.schedule == "cosine":
        warmup = round(config.warmup_epochs * per_epoch)
        rate = WarmupCosine(config.learning_rate, warmup, total)
    else:
        # Keras keeps a value up to its boundary, that step included.
        steps = [
            round(share * config.epochs) * per_epoch - 1 for share in config.decay_at
        ]
        rates = [config.learning_rate * 0.1**i for i in range(len(steps) + 1)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(steps, rates)
    return SGD(
        rate,
        config.sgd_momentum,
        config.weight_decay,
        nesterov=config.nesterov,
        multipliers=multipliers,
    )


def _callbacks(config, workdir, guard, per_epoch, measure) -> list:
    watchers = [
        callbacks.KeepMetrics(per_epoch),
        callbacks.Speed(config.batch_size),
        callbacks.WatchNaN(guard, config.max_nan_steps),
        Evaluate(measure, config.eval_every),
        callbacks.MetricsLog(workdir, per_epoch),
    ]
    if config.tensorboard:
        folder = str(workdir.path / "tensorboard")
        watchers.append(keras.callbacks.TensorBoard(folder, write_graph=False))
    return watchers


def _fit(model, config, task, batch_size, watchers):
    crop = weak_view(
        task.image_size, (config.crop_scale_min, 1.0), flip_p=config.flip_prob
    )

    def between(start, stop):
        batches = training_batches(
            task.train,
            Views({"crop": crop}),
            batch_size=batch_size,
            seed=config.seed,
            start_step=start,
            stop_step=stop,
            labelled=True,
        )
        return batches.map(lambda views, labels: (views["crop"], labels))

    per_epoch = steps_per_epoch(task.train, batch_size)
    loop.fit(model, between, per_epoch, config.epochs * per_epoch, watchers)


def finish(
    model: Classifier,
    config: SupervisedConfig,
    task: Task,
    path: pathlib.Path,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """Leaves classifier and figures in the folder; the head of the JSON line."""
    keras_file.save(model, path / "classifier.keras")
    title = f"{config.command} on {task.dataset}: {100 * figures['top1']:.1f} %"
    results.save_report(path, figures, title)
    return {
        **results.summary(config, task, figures),
        "classifier": str(path / "classifier.keras"),
        "output": str(path),
    }
