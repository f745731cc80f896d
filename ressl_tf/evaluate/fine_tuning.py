"""Fine-tuning: the whole network, or its head, on all labels or few."""

import dataclasses
import logging
from typing import Any

import numpy as np

from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.data.sources import Source
from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.evaluate import supervised
from ressl_tf.evaluate.label_list import listed
from ressl_tf.evaluate.task import Task
from ressl_tf.models.backbones.structure import blocks
from ressl_tf.models.classifier import Classifier

log = logging.getLogger("ressl_tf")


def finetune(config: FinetuneConfig) -> dict[str, Any]:
    """Fine-tune in the config's folder and classify the test images.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
    """
    return supervised.run(config, _learn)


def _learn(config: FinetuneConfig, task: Task) -> dict[str, Any]:
    if config.label_list:
        few = listed(task.train, config.label_list)
    else:
        few = draw_labelled(task.train, config.label_fraction, config.seed)
    task = dataclasses.replace(task, train=few)
    log.info("%d labelled images of %s", few.size, few.name)
    model = supervised.classifier(config, task, config.trainable == "head")
    factors = learning_rate_factors(model, config)
    line = supervised.train(model, config, task, factors)
    return {
        **line,
        "label_fraction": None if config.label_list else config.label_fraction,
        "label_list": config.label_list,
        "finetune_top1": line["top1"],
        "weights_sha256": weights_sha256(model),
    }


def draw_labelled(source: Source, fraction: float, seed: int) -> Source:
    """Draw the examples that keep their labels: a fraction of each class, at least one.

    Args:
        source: all of its examples have a label.
        fraction: of each class, rounded.
        seed: of the draw.
    """
    if fraction == 1:
        return source
    labels = source.all_labels()
    order = np.random.default_rng(seed).permutation(len(labels))
    kept = []
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        kept.append(rows[: max(1, round(fraction * len(rows)))])
    return source.take(np.sort(np.concatenate(kept)))


def learning_rate_factors(model: Classifier, config: FinetuneConfig) -> list[float]:
    """Return, for each trainable variable, its learning rate over the head's."""
    encoder = config.encoder_learning_rate / config.learning_rate
    depths = block_depths(model)
    return [
        encoder * config.layer_decay ** depths[id(variable)]
        if id(variable) in depths
        else 1.0
        for variable in model.trainable_variables
    ]


def block_depths(model: Classifier) -> dict[int, int]:
    """Count the blocks between each variable of the backbone and the head.

    Returns:
        id of the variable -> number of blocks, 0 for those of the last.
    """
    found = blocks(model.encoder.backbone)
    return {
        id(variable): depth
        for depth, layers in enumerate(reversed(found))
        for layer in layers
        for variable in layer.variables
    }
