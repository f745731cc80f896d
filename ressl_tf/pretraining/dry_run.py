"""What a config on images would run, without running it."""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.decoding import RGB
from ressl_tf.config.normalizations import AUTO
from ressl_tf.data.image_sides import check_image_size
from ressl_tf.data.load import list_source, open_source
from ressl_tf.data.pipeline import steps_per_epoch
from ressl_tf.data.sources import Source
from ressl_tf.engine.run import last_step
from ressl_tf.methods.build import build_model, check_backbone
from ressl_tf.models.backbones.flops import multiply_adds
from ressl_tf.pretraining import auto_normalization, pixel_type
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.kernels import cpu_kernels

log = logging.getLogger("ressl_tf")


def describe(config: Config) -> dict[str, Any]:
    """Report config, steps, parameters, cost, view shapes and memory of the queues.

    The cost is that of the backbone's forward pass of one image of --image_size.
    Where the data set is not there, the steps are None and a warning says why. Of the
    images 64 are read; with --normalization=auto, its sample too.
    """
    check_backbone(config)
    source = _source(config)
    steps = _steps(config, source)
    if source is not None:
        config = pixel_type.resolved(config, source)
        config = auto_normalization.resolved(config, source)
    elif config.normalization == AUTO and not config.mean:
        config = dataclasses.replace(config, normalization="imagenet")  # just to count
    model = build_model(config, steps["steps_per_epoch"] or 1)
    forward = multiply_adds(model.online.backbone, config.image_size)
    if config.channels != RGB:
        log.info(
            "images of %d channels: saturation, hue and grayscale are left out of the "
            "views; brightness and contrast are jittered",
            config.channels,
        )
    report = {
        **steps,
        "backbone_parameters": count(model.online.backbone.trainable_variables),
        "projector_parameters": count(model.online.projector.trainable_variables),
        "predictor_parameters": (
            count(model.predictor.trainable_variables) if model.predictor else 0
        ),
        "feature_dim": model.online.feature_dim,
        "backbone_multiply_adds": forward,
        "backbone_flops": 2 * forward,
        "views": {
            name: [config.batch_size, size, size, config.channels]
            for name, size in model.views.sizes.items()
        },
        "queue_bytes": sum(4 * count(queue.variables) for queue in model.queues),
        "cpu_kernels": cpu_kernels(),
        "workdir": config.run_dir,
    }
    return with_flags(config, report)


def with_flags(config: Config, report: Mapping[str, Any]) -> dict[str, Any]:
    """Log the flags and a report line by line; return them as one dict."""
    flags = dataclasses.asdict(config)
    for name, value in {**flags, **report}.items():
        log.info("%-22s %s", name, value)
    return {**report, "config": flags}


def count(variables) -> int:
    """Return how many numbers variables hold."""
    return sum(math.prod(variable.shape) for variable in variables)


def _source(config: Config) -> Source | None:
    """List the images, and read as many as show whether they can be used."""
    here = dataclasses.replace(config, download=False)
    # Whether all can be held in memory is seen only when they are.
    open_set = open_source if config.cache == "memory" else list_source
    try:
        source = open_set(here, here.split, pixels=pixel_type.wanted(here))
        check_image_size(source, here.image_size)
        steps_per_epoch(source, config.batch_size)
    except UsageError as error:
        log.warning("the data set cannot be used yet: %s", error)
        return None
    return source


def _steps(config: Config, source: Source | None) -> dict[str, int | None]:
    if source is None:
        return {"images": None, "steps_per_epoch": None, "steps": None}
    per_epoch = steps_per_epoch(source, config.batch_size)
    return {
        "images": source.size,
        "steps_per_epoch": per_epoch,
        "steps": last_step(config, per_epoch),
    }
