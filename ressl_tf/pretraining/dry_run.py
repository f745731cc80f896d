"""What a config would run, without running it."""

import dataclasses
import logging
import math
from typing import Any

from ressl_tf.config import Config
from ressl_tf.data.pipeline import steps_per_epoch
from ressl_tf.graphs.graph_pretraining import open_graph
from ressl_tf.methods.build import build_model
from ressl_tf.models.backbones.flops import multiply_adds
from ressl_tf.pretraining.pretrain import last_step, open_source
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")


def describe(config: Config) -> dict[str, Any]:
    """Resolved config, steps, parameters, cost, view shapes and memory of the queues.

    Of a graph: nodes, edges, steps and parameters.

    The cost is that of the backbone's forward pass of one image of --image_size.
    Where the data set is not there, the steps are None and a warning says why.
    """
    report = _of_graph(config) if config.on_graph else _of_images(config)
    flags = dataclasses.asdict(config)
    for name, value in {**flags, **report}.items():
        log.info("%-22s %s", name, value)
    return {**report, "config": flags}


def _of_graph(config) -> dict[str, Any]:
    graph, model = open_graph(config), build_model(config)
    return {
        "nodes": graph.num_nodes,
        "edges": len(graph.edges) // 2,
        "features": graph.num_features,
        "steps_per_epoch": 1,
        "steps": last_step(config, per_epoch=1),
        "encoder_parameters": _count(model.online.trainable_variables),
        "predictor_parameters": _count(model.predictor.trainable_variables),
        "feature_dim": model.online.feature_dim,
        "workdir": config.run_dir,
    }


def _of_images(config) -> dict[str, Any]:
    steps = _steps(config)
    model = build_model(config, steps["steps_per_epoch"] or 1)
    forward = multiply_adds(model.online.backbone, config.image_size)
    return {
        **steps,
        "backbone_parameters": _count(model.online.backbone.trainable_variables),
        "projector_parameters": _count(model.online.projector.trainable_variables),
        "predictor_parameters": (
            _count(model.predictor.trainable_variables) if model.predictor else 0
        ),
        "feature_dim": model.online.feature_dim,
        "backbone_multiply_adds": forward,
        "backbone_flops": 2 * forward,
        "views": {
            name: [config.batch_size, size, size, 3]
            for name, size in model.views.sizes.items()
        },
        "queue_bytes": sum(4 * _count(queue.variables) for queue in model.queues),
        "workdir": config.run_dir,
    }


def _steps(config) -> dict[str, int | None]:
    try:
        cache = "none" if config.cache == "disk" else config.cache
        quick = dataclasses.replace(config, download=False, cache=cache)
        source = open_source(quick)
        per_epoch = steps_per_epoch(source, config.batch_size)
    except UsageError as error:
        log.warning("the data set cannot be used yet: %s", error)
        return {"images": None, "steps_per_epoch": None, "steps": None}
    return {
        "images": source.size,
        "steps_per_epoch": per_epoch,
        "steps": last_step(config, per_epoch),
    }


def _count(variables) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
