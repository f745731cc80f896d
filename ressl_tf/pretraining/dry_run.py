"""What a config on images would run, without running it."""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any

from ressl_tf.config import Config
from ressl_tf.data.channels import RGB
from ressl_tf.data.image_sides import check_image_size
from ressl_tf.data.load import open_source
from ressl_tf.data.pipeline import steps_per_epoch
from ressl_tf.engine.run import last_step
from ressl_tf.methods.build import build_model
from ressl_tf.models.backbones.flops import multiply_adds
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.kernels import cpu_kernels

log = logging.getLogger("ressl_tf")


def describe(config: Config) -> dict[str, Any]:
    """Report config, steps, parameters, cost, view shapes and memory of the queues.

    The cost is that of the backbone's forward pass of one image of --image_size.
    Where the data set is not there, the steps are None and a warning says why.
    """
    steps = _steps(config)
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


def _steps(config) -> dict[str, int | None]:
    try:
        cache = "none" if config.cache == "disk" else config.cache
        here = dataclasses.replace(config, download=False, cache=cache)
        source = open_source(here, here.split)
        check_image_size(source, here.image_size)
        per_epoch = steps_per_epoch(source, config.batch_size)
    except UsageError as error:
        log.warning("the data set cannot be used yet: %s", error)
        return {"images": None, "steps_per_epoch": None, "steps": None}
    return {
        "images": source.size,
        "steps_per_epoch": per_epoch,
        "steps": last_step(config, per_epoch),
    }
