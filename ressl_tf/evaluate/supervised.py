"""A run that learns from labels: linear evaluation and fine-tuning."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras
import tensorflow as tf

from ressl_tf.config.evaluate_config import SupervisedConfig
from ressl_tf.config.finetune_flags import FinetuneFlags
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.data.pipeline import steps_per_epoch, training_batches
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.engine import tracking
from ressl_tf.engine.nonfinite import NonfiniteGuard
from ressl_tf.engine.optimizers import SGD, AdamW
from ressl_tf.engine.run import Run
from ressl_tf.engine.schedules import WarmupCosine
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, results, scores
from ressl_tf.evaluate.task import Task, open_task
from ressl_tf.models.classifier import Classifier
from ressl_tf.runtime import distribute
from ressl_tf.runtime.signals import Watch
from ressl_tf.saving import keras_file

log = logging.getLogger("ressl_tf")
ConfigT = TypeVar("ConfigT", bound=SupervisedConfig)


class Evaluate(keras.callbacks.Callback):
    """A callback that adds `eval_top1` to the logs every n epochs.

    Args:
        measure: model -> figures of `evaluate.scores.report`.
        every: n; 0 for never.
    """

    def __init__(self, measure: Callable[[Classifier], dict], every: int):
        super().__init__()
        self.measure, self.every = measure, every

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate, if it is time to."""
        if self.every and (epoch + 1) % self.every == 0:
            logs["eval_top1"] = self.measure(self.model)["top1"]


def run(
    config: ConfigT, learn: Callable[[ConfigT, Task], dict[str, Any]]
) -> dict[str, Any]:
    """Open the config's task, let `learn` solve it, and keep the JSON line.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    tracking.check_installed(config)
    with distribute.strategy(config.strategy).scope(), bad_images_as_run_errors():
        task = open_task(config)
        # The classifier's own config says how images are decoded for it.
        config = dataclasses.replace(config, dataset=task.dataset, **task.decoding)
        line = learn(config, task)
    results.write_json(pathlib.Path(config.run_dir) / "result.json", line)
    return line


def classifier(config: SupervisedConfig, task: Task, frozen: bool) -> Classifier:
    """Put a fresh head for the task's classes on the encoder."""
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
    """Train in the config's folder, or go on where the same config stopped.

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
    model.guard = NonfiniteGuard(config.on_nan)
    with (
        Workdir(config, flag="--output") as workdir,
        tracking.following(config, workdir) as followers,
        Watch(grace_seconds=config.grace_seconds) as watch,
    ):
        run = Run(
            config=config,
            data=task,
            model=model,
            batches=functools.partial(crop_batches, config, task, batch_size),
            steps_per_epoch=per_epoch,
            last_step=config.epochs * per_epoch,
            workdir=workdir,
            watch=watch,
            tracking=followers,
            speed=("images_per_second", config.batch_size),
        )
        run.resume()
        run.fit([Evaluate(lambda model: evaluate(model, task), config.eval_every)])
        figures = finish(model, config, task, workdir.path, evaluate(model, task))
        last = workdir.rows()[-1]
        line = {
            **figures,
            "epochs": config.epochs,
            "steps": last["step"],
            "loss": last["loss"],
            "train_top1": last["top1"],
        }
        run.show("confusion")
        followers.result(line)
        return line


def crop_batches(
    config: SupervisedConfig, task: Task, batch_size: int, start: int, stop: int
) -> tf.data.Dataset:
    """Return random crops and labels of the steps from `start` to before `stop`."""
    size, scale = task.image_size, (config.crop_scale_min, 1.0)
    batches = training_batches(
        task.train,
        Views({"crop": weak_view(size, scale, flip_prob=config.flip_prob)}),
        batch_size=batch_size,
        seed=config.seed,
        start_step=start,
        stop_step=stop,
        labelled=True,
    )
    return batches.map(lambda views, labels: (views["crop"], labels))


def evaluate(model: Classifier, task: Task) -> dict[str, Any]:
    """Classify the test images in inference mode; return `evaluate.scores.report`."""
    logits, labels = features.extract(model, task.batches(task.test))
    return scores.report(logits, labels, task.label_names)


def make_optimizer(
    config: SupervisedConfig, per_epoch: int, multipliers: Sequence[float] | None
) -> SGD | AdamW:
    """Make the optimizer with the config's schedule; `multipliers` as of `SGD`."""
    total = config.epochs * per_epoch
    if config.lr_schedule == "cosine":
        warmup = round(config.warmup_epochs * per_epoch)
        rate = WarmupCosine(config.learning_rate, warmup, total)
    else:
        # Keras keeps a value up to its boundary, that step included.
        steps = [
            round(point * config.epochs) * per_epoch - 1 for point in config.decay_at
        ]
        rates = [config.learning_rate * 0.1**i for i in range(len(steps) + 1)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(steps, rates)
    options: dict[str, Any] = {"multipliers": multipliers}
    if isinstance(config, FinetuneFlags):
        options["clip_norm"] = config.clip_norm
        options["decay_bias_and_norm"] = config.decay_bias_and_norm
        if config.optimizer == "adamw":
            return AdamW(rate, config.weight_decay, **options)
    momentum, nesterov = config.sgd_momentum, config.nesterov
    return SGD(rate, momentum, config.weight_decay, nesterov=nesterov, **options)


def finish(
    model: Classifier,
    config: SupervisedConfig,
    task: Task,
    path: pathlib.Path,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """Save classifier and figures in the folder; return the head of the JSON line."""
    keras_file.save(model, path / "classifier.keras")
    title = f"{config.command} on {task.dataset}: {100 * figures['top1']:.1f} %"
    results.save_report(path, figures, title)
    return {
        **results.summary(config, task, figures),
        "classifier": str(path / "classifier.keras"),
        "output": str(path),
    }
