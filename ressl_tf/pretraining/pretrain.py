"""A pretraining run from its config to its result."""

import dataclasses
import functools
import logging
import statistics
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.data.augment.deferred import CropsOnly
from ressl_tf.data.load import check_image_size, load_source
from ressl_tf.data.pipeline import (
    evaluation_batches,
    steps_per_epoch,
    training_batches,
)
from ressl_tf.data.sources import Source, bad_images_as_run_errors
from ressl_tf.engine import callbacks, devices, loop, precision
from ressl_tf.engine.checkpoint import Checkpoints, state, weights_sha256
from ressl_tf.engine.nonfinite import NaNGuard
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, plots
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.build import build_model, build_optimizer
from ressl_tf.pretraining import knn_monitor, warm_start
from ressl_tf.runtime import distribute
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.signals import Watch

log = logging.getLogger("ressl_tf")
SHOWN_IMAGES = 2000  # of which the gallery takes its neighbours


def pretrain(config: Config) -> dict[str, Any] | None:
    """Pretrains as `config` says, or goes on where the same config stopped.

    Returns:
        The result, as the command line prints it; None on all workers but the chief.

    Raises:
        UsageError: when the config, the data or the workdir cannot be used.
        RunError: when the run fails: NaN, unreadable images, a full disk, a worker
            that is lost.
        Interrupted: when SIGTERM or SIGINT asked it to stop, and it is saved.
    """
    if config.on_graph:
        from ressl_tf.graphs import (
            graph_pretraining,  # which takes what it can from here
        )

        return graph_pretraining.pretrain(config)
    strategy = devices.open_strategy(config)
    role = follow if distribute.worker(strategy)[0] else lead
    with distribute.lost_workers_as_run_errors(strategy):
        outcome = role(config, strategy)
        distribute.wait_for_all(strategy)  # who left early would look like a lost one
    return outcome


def follow(config: Config, strategy) -> None:
    """What workers beside the chief do: the same steps, and nothing on the disk.

    A signal that reaches all workers is the chief's to obey: it saves and ends, and so
    do they when they have lost it.
    """
    source = open_source(config)
    per_epoch = steps_per_epoch(source, config.batch_size)
    with bad_images_as_run_errors(), Watch():
        model = make_model(config, per_epoch, strategy)
        distribute.broadcast(strategy, list(state(model).values()))
        fit(
            model,
            config,
            source,
            [callbacks.WatchNaN(model.guard, config.max_nan_steps)],
        )


def lead(config: Config, strategy) -> dict[str, Any]:
    """What the chief, or the only process, does."""
    source = open_source(config)
    per_epoch = steps_per_epoch(source, config.batch_size)
    start = warm_start.open_start(config)
    devices.announce(config, strategy)
    with Workdir(config) as workdir, bad_images_as_run_errors(), Watch() as watch:
        model = make_model(config, per_epoch, strategy)
        checkpoints = Checkpoints(workdir.checkpoints, config.keep_checkpoints)
        resume(model, checkpoints, workdir, per_epoch, last_step(config, per_epoch))
        if start is not None:
            warm_start.start_from(model, start)
        distribute.broadcast(strategy, list(state(model).values()))
        measure = knn_monitor.make(config, source)
        if not workdir.rows():
            begin(model, source, workdir, measure)
        watchers = make_callbacks(config, workdir, model.guard, per_epoch, measure)
        sheet = functools.partial(draw_views, model, config, source, workdir)
        watchers.insert(0, callbacks.AfterFirstStep(sheet))
        watchers.append(callbacks.save_checkpoint(checkpoints, config, watch))
        fit(model, config, source, watchers)
        draw_results(model, config, source, workdir)
        return result(model, config, source, workdir)


def open_source(config: Config) -> Source:
    """The training images, checked against the size of the views."""
    source = load_source(
        config.dataset,
        config.split,
        data_dir=config.data_dir or None,
        download=config.download,
        on_bad_image=config.on_bad_image,
        max_pixels=config.max_pixels,
        cache=config.cache,
        cache_dir=config.cache_dir or None,
    )
    check_image_size(source, config.image_size)
    return source


def make_model(config: Config, per_epoch: int, strategy=None) -> SSLModel:
    """The compiled model; its random weights are a function of the seed.

    Args:
        config: of the run.
        per_epoch: steps.
        strategy: of the run; None for one device.
    """
    keras.utils.set_random_seed(config.seed)
    strategy = strategy or distribute.strategy("one")
    with strategy.scope():
        with precision.policy(config.mixed_precision):
            model = build_model(config, per_epoch)
        model.compile(
            build_optimizer(config, per_epoch),
            jit_compile={"auto": "auto", "on": True, "off": False}[config.jit_compile],
            steps_per_execution=config.steps_per_execution,
        )
        model.optimizer.build(model.trainable_variables)
        NaNGuard(model, skip=config.on_nan == "skip")
    return model


def resume(
    model: SSLModel,
    checkpoints: Checkpoints,
    workdir: Workdir,
    per_epoch: int,
    last: int,
) -> None:
    """Restores the newest checkpoint, if there is one, and cuts the log to it."""
    path = checkpoints.restore(model)
    step = int(model.step.numpy())
    workdir.resume_at(step, per_epoch, last)
    if path:
        log.info("going on from %s (epoch %.2f)", path, step / per_epoch)


def begin(model, source, workdir, measure) -> None:
    """What is there before the first step: what was left out, untrained accuracy."""
    if source.skipped:
        with replacing(workdir.path / "skipped_images.txt") as temporary:
            temporary.write_text("".join(f"{name}\n" for name in source.skipped))
    row = {"epoch": 0, "step": 0}
    if measure is not None:
        row["knn_top1"] = measure(model)
        log.info("untrained: kNN top-1 %.4f", row["knn_top1"])
    workdir.log(row)


def draw_views(model, config, source, workdir) -> None:
    """The view sheet, of the run's first batch, where there is none yet."""
    path = workdir.path / "views.png"
    if path.exists():
        return
    on_host = dataclasses.replace(config, augment_on="host")
    batch = next(iter(batches(model, on_host, source, 0, 1)))
    rows = {name: images.numpy() for name, images in batch.items()}
    plots.save(plots.image_rows(rows), path)


def batches(model, config, source, start: int, stop: int) -> tf.data.Dataset:
    """Views of the steps from `start` to before `stop`, or what becomes them there."""
    strategy, views = model.distribute_strategy, model.views
    if devices.augments_on_device(config, strategy):
        views = CropsOnly(views)
    return training_batches(
        source,
        views,
        batch_size=config.batch_size,
        seed=config.seed,
        start_step=start,
        stop_step=stop,
        shard=distribute.worker(strategy),
    )


def last_step(config: Config, per_epoch: int) -> int:
    """The step that the run stops at: of the last epoch, or `max_steps`."""
    total = config.epochs * per_epoch
    return min(total, config.max_steps) if config.max_steps else total


def make_callbacks(config, workdir, guard, per_epoch, measure) -> list:
    """In the order in which they add to an epoch's logs and use them."""
    watchers = [
        callbacks.KeepMetrics(per_epoch),
        callbacks.Speed(config.batch_size * config.steps_per_execution),
        callbacks.WatchNaN(guard, config.max_nan_steps),
        callbacks.CollapseWarning(),
    ]
    if measure is not None:
        stop = last_step(config, per_epoch)
        watchers.append(callbacks.KNNMonitor(measure, config.knn_every, stop))
    watchers.append(callbacks.MetricsLog(workdir, per_epoch))
    if config.tensorboard:
        folder = str(workdir.path / "tensorboard")
        watchers.append(keras.callbacks.TensorBoard(folder, write_graph=False))
    return watchers


def fit(model: SSLModel, config: Config, source: Source, watchers: list) -> None:
    """Trains from the model's step to the last one."""
    per_epoch = steps_per_epoch(source, config.batch_size)

    def between(start, stop):
        part = batches(model, config, source, start, stop)
        return distribute.feed(model.distribute_strategy, part)

    loop.fit(model, between, per_epoch, last_step(config, per_epoch), watchers)


def draw_results(model, config, source, workdir) -> None:
    """The neighbour gallery and the training curves."""
    shown = evaluation_batches(source, config.image_size, 256, limit=SHOWN_IMAGES)
    vectors, labels = features.extract(model, shown)
    images = [image for batch, _ in shown for image in batch.numpy()]
    known = labels if source.label_names else None
    gallery = plots.neighbours(images, vectors, known)
    plots.save(gallery, workdir.path / "neighbours.png")
    plots.save(plots.curves(workdir.rows()), workdir.path / "curves.png")


def result(model, config, source, workdir) -> dict[str, Any]:
    """The JSON line."""
    rows = workdir.rows()
    last = rows[-1]
    speeds = [r["images_per_second"] for r in rows if "images_per_second" in r]
    per_epoch = steps_per_epoch(source, config.batch_size)
    return {
        "method": config.method,
        "dataset": config.dataset,
        "images": source.size,
        "images_skipped": len(source.skipped),
        "backbone": config.backbone,
        "epochs": last["step"] / per_epoch,
        "steps": last["step"],
        "steps_skipped": int(model.guard.bad_steps.numpy()),
        "loss": last.get("loss"),
        "knn_top1": last.get("knn_top1"),
        "knn_top1_untrained": rows[0].get("knn_top1"),
        "embedding_std": last.get("embedding_std"),
        "images_per_second": statistics.median(speeds) if speeds else None,
        "seed": config.seed,
        "weights_sha256": weights_sha256(model),
        "workdir": str(workdir.path),
    }
