"""A pretraining run on images from its config to its result."""

import dataclasses
import functools
import logging
import shlex
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.data.augment.deferred import CropsOnly
from ressl_tf.data.fingerprint import of_source
from ressl_tf.data.image_sides import check_image_size
from ressl_tf.data.load import open_source
from ressl_tf.data.pipeline import (
    evaluation_batches,
    evaluation_rows,
    steps_per_epoch,
    training_batches,
)
from ressl_tf.data.sources import Source
from ressl_tf.data.unreadable import bad_images_as_run_errors
from ressl_tf.engine import agreement, callbacks, devices, tracking
from ressl_tf.engine.checkpoint import state
from ressl_tf.engine.keep_best import KeepBest
from ressl_tf.engine.progress import stage
from ressl_tf.engine.run import Run, fit_segments, last_step
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, plots
from ressl_tf.evaluate.embeddings import projector_files
from ressl_tf.evaluate.embeddings.table import of_features
from ressl_tf.evaluate.plots import pictures
from ressl_tf.evaluate.report import refreshed_report
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.build import check_backbone, make_model
from ressl_tf.pretraining import (
    auto_normalization,
    knn_monitor,
    pixel_type,
    view_sheet,
    warm_start,
)
from ressl_tf.pretraining.dry_run import describe
from ressl_tf.runtime import all_workers, distribute
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.file_names import printable
from ressl_tf.runtime.signals import Watch
from ressl_tf.saving.pretrained import open_pretrained

__all__ = ["describe", "pretrain"]
log = logging.getLogger("ressl_tf")
SHOWN_IMAGES = 2000  # among which the gallery looks for neighbours
Measure = Callable[[keras.Model], float]


def pretrain(config: Config) -> dict[str, Any] | None:
    """Pretrain on images; see `pretraining.pretrain`."""
    strategy = devices.open_strategy(config)
    role = run_worker if distribute.worker(strategy)[0] else run_chief
    with all_workers.lost_workers_as_run_errors(strategy):
        agreement.check(strategy, agreement.flags_and_versions(config))
        outcome = role(config, strategy)
        all_workers.wait_for_all(strategy)  # who left early would look like a lost one
    return outcome


def run_worker(config: Config, strategy) -> None:
    """Take the chief's steps on a worker beside it, and write nothing.

    A signal that reaches all workers is the chief's to obey: it saves and ends, and so
    do they when they have lost it.

    Raises:
        Interrupted: a signal came here, and then the chief was lost.
    """
    check_backbone(config)
    source = open_training_source(config)
    agree_on_images(strategy, source)
    config = as_resolved(config, source)
    per_epoch = steps_per_epoch(source, config.batch_size)
    watch = Watch(grace_seconds=config.grace_seconds)
    with bad_images_as_run_errors(), all_workers.stopped_with_chief(watch), watch:
        model = make_model(config, per_epoch, strategy)
        all_workers.broadcast(strategy, list(state(model).values()))
        batches = functools.partial(fed_batches, model, config, source)
        watchers = [callbacks.WatchNaN(model.guard, config.max_nan_steps)]
        last = last_step(config, per_epoch)
        fit_segments(model, batches, per_epoch, last, watchers)


def run_chief(config: Config, strategy) -> dict[str, Any]:
    """Train as the chief, or as the only process, and write what is kept."""
    tracking.check_installed(config)
    check_backbone(config)
    with stage(f"reading {config.dataset}"):
        source = open_training_source(config)
        agree_on_images(strategy, source)
        config = as_resolved(config, source)
    per_epoch = steps_per_epoch(source, config.batch_size)
    start = warm_start.open_start(config)
    devices.announce(config, strategy)
    with (
        Workdir(config) as workdir,
        tracking.following(config, workdir) as followers,
        bad_images_as_run_errors(),
        Watch(grace_seconds=config.grace_seconds) as watch,
    ):
        model = make_model(config, per_epoch, strategy)
        run = Run(
            config=config,
            data=source,
            model=model,
            batches=functools.partial(fed_batches, model, config, source),
            steps_per_epoch=per_epoch,
            last_step=last_step(config, per_epoch),
            workdir=workdir,
            watch=watch,
            tracking=followers,
            speed=("images_per_second", config.batch_size * config.steps_per_execution),
            fingerprint=functools.partial(of_source, source),
        )
        run.resume()
        if start is not None:
            warm_start.start_from(model, start)
        all_workers.broadcast(strategy, list(state(model).values()))
        measure = knn_monitor.make(config, source)
        check_keep_best(config, measure)
        if run.is_new:
            log_start(run, measure)
        run.fit(
            monitors(run, measure),
            functools.partial(draw_views, run),
            [refreshed_report.RefreshReport(config)] if config.report else (),
        )
        draw_results(run)
        line = result(run)
        if config.report:
            line["report"] = refreshed_report.write_report(config, model)
        run.keep(line)
        followers.result(line)
        tell_people(line)
        return line


def open_training_source(config: Config) -> Source:
    """Open the training images, and check them against the size of the views."""
    pixels = pixel_type.wanted(config)
    source = open_source(config, config.split, pixels=pixels)
    check_image_size(source, config.image_size)
    return source


def agree_on_images(strategy, source: Source) -> None:
    """Refuse workers that do not see the same images."""
    if distribute.worker(strategy)[1] > 1:
        found = of_source(source)
        agreement.check(strategy, {"images": found["images"], "names": found["sha256"]})


def as_resolved(config: Config, source: Source) -> Config:
    """Return the config with what "auto" means for these training images."""
    config = pixel_type.resolved(config, source)
    return auto_normalization.resolved(config, source)


def monitors(run: Run, measure: Measure | None) -> list[keras.callbacks.Callback]:
    """List what watches an image run besides what watches every run."""
    watchers: list[keras.callbacks.Callback] = [callbacks.CollapseWarning()]
    if measure is not None:
        every = run.config.knn_every
        watchers.append(callbacks.KNNMonitor(measure, every, run.last_step))
        if run.config.keep_best:
            watchers.append(KeepBest(run.checkpoints))
    return watchers


def check_keep_best(config: Config, measure: Measure | None) -> None:
    """Refuse to choose checkpoints by kNN where no image has a label."""
    if config.keep_best and measure is None:
        raise UsageError(
            "--keep_best chooses by the kNN monitor, which needs labels: give another "
            f"--knn_bank_split, or leave it out. Received: --dataset={config.dataset}"
        )


def log_start(run: Run, measure: Measure | None) -> None:
    """Write what is known before the first step: images left out, untrained kNN."""
    if run.data.skipped:
        with replacing(run.workdir.path / "skipped_images.txt") as temporary:
            lines = [f"{printable(name)}\n" for name in run.data.skipped]
            temporary.write_text("".join(lines), encoding="utf-8")
    row: dict[str, Any] = {"epoch": 0, "step": 0}
    if measure is not None:
        with stage("kNN of the untrained network"):
            row["knn_top1"] = measure(run.model)
        log.info("untrained: kNN top-1 %.4f", row["knn_top1"])
    run.log(row)


def fed_batches(model: SSLModel, config: Config, source: Source, start: int, stop: int):
    """Return `view_batches` as `fit` takes them: scattered to the replicas."""
    views = view_batches(model, config, source, start, stop)
    return distribute.feed(model.distribute_strategy, views)


def view_batches(
    model: SSLModel, config: Config, source: Source, start: int, stop: int
) -> tf.data.Dataset:
    """Return the views of the steps from `start` to before `stop`.

    Where colours and blur are left to the device, these are crops that the step
    finishes.
    """
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


def draw_views(run: Run) -> None:
    """Draw the view sheet of the run's first batch, where there is none yet."""
    path = run.workdir.path / "views.png"
    if path.exists():
        return
    on_host = dataclasses.replace(run.config, augment_on="host")
    batch = next(iter(view_batches(run.model, on_host, run.data, 0, 1)))
    rows = {name: images.numpy() for name, images in batch.items()}
    rows = view_sheet.shown_rows(rows, run.config.rgb)
    plots.save(plots.image_rows(rows), path)
    run.show("views")


def draw_results(run: Run) -> None:
    """Draw the neighbour gallery and the training curves."""
    size, folder = run.config.image_size, run.workdir.path
    shown = evaluation_batches(run.data, size, 256, limit=SHOWN_IMAGES)
    vectors, labels = features.extract(run.model, shown)
    known = labels if run.data.label_names else None
    sample = pictures.Sample(run.data, run.config.split, shown, vectors, known)
    gallery = pictures.gallery(sample, run.config.rgb)
    plots.save(gallery, folder / "neighbours.png")
    levels = pictures.reference_levels(folder / "config.json")
    plots.save(plots.curves(run.workdir.rows(), levels), folder / "curves.png")
    run.show("neighbours", "curves")
    rows = evaluation_rows(run.data.size, len(vectors)).numpy()
    about = {"image_size": size, "rgb": run.config.rgb}
    table = of_features(run.data, rows, vectors, labels, about)
    run.tracking.embedding(lambda place: projector_files.write(place, table))


def result(run: Run) -> dict[str, Any]:
    """Return the JSON line."""
    config, rows = run.config, run.workdir.rows()
    return {
        "method": config.method,
        "dataset": config.dataset,
        "images": run.data.size,
        "images_skipped": len(run.data.skipped),
        "backbone": config.backbone,
        **run.result(),
        "knn_top1": rows[-1].get("knn_top1"),
        "knn_top1_untrained": rows[0].get("knn_top1"),
        "embedding_std": rows[-1].get("embedding_std"),
        "images_per_second": run.throughput(),
        **best_result(run),
    }


def trained_model(workdir: str) -> keras.Model:
    """Open what was trained: images to features, or a fine-tuned classifier."""
    opened = open_pretrained(workdir)
    return opened.classifier or opened.encoder.feature_model()


def best_result(run: Run) -> dict[str, Any]:
    """Return what the JSON line says of the best checkpoint, where one is kept."""
    best = run.checkpoints.best_figures() if run.config.keep_best else {}
    return best and {"knn_top1_best": best["knn_top1"], "best_step": best["step"]}


def tell_people(line: dict[str, Any]) -> None:
    """Log what was reached, where the pictures are, and which command comes next."""
    workdir, loss = line["workdir"], line["loss"]
    reached = "no loss" if loss is None else f"loss {loss:.4g}"
    flag = f"--workdir={shlex.quote(workdir)}"
    following = f"python -m ressl_tf.plot {flag} --kind=embedding"
    if line["knn_top1"] is not None:
        top1, untrained = line["knn_top1"], line["knn_top1_untrained"]
        reached += f", kNN top-1 {top1:.1%}, untrained {untrained:.1%}"
        following = f"python -m ressl_tf.linear {flag} --solver=lbfgs"
    log.info("reached after %d steps: %s", line["steps"], reached)
    log.info("pictures: views.png, neighbours.png, curves.png in %s", workdir)
    if line.get("report"):
        log.info("report: %s opens in any browser", line["report"])
    log.info("next: %s", following)
