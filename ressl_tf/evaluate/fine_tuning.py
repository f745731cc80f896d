"""Fine-tuning: the whole network, or its head, on all labels or few."""

import dataclasses
import logging
import re
from typing import Any

import numpy as np

from ressl_tf.config.evaluate_config import FinetuneConfig
from ressl_tf.data.sources import Source
from ressl_tf.engine.checkpoint import weights_sha256
from ressl_tf.evaluate import supervised
from ressl_tf.evaluate.task import Task
from ressl_tf.models.classifier import Classifier

log = logging.getLogger("ressl_tf")
BLOCK = re.compile(r"[a-z]+_?\d+")  # layer1_0_conv2 -> layer1; block2a_bn -> block2


def finetune(config: FinetuneConfig) -> dict[str, Any]:
    """Fine-tunes in the config's folder and classifies the test images.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
    """
    return supervised.run(config, _learn)


def _learn(config: FinetuneConfig, task: Task) -> dict[str, Any]:
    few = draw_labelled(task.train, config.label_fraction, config.seed)
    task = dataclasses.replace(task, train=few)
    log.info("%d labelled images of %s", few.size, few.name)
    model = supervised.classifier(config, task, config.trainable == "head")
    factors = learning_rate_factors(model, config)
    line = supervised.train(model, config, task, factors)
    return {
        **line,
        "label_fraction": config.label_fraction,
        "finetune_top1": line["top1"],
        "weights_sha256": weights_sha256(model),
    }


def draw_labelled(source: Source, fraction: float, seed: int) -> Source:
    """The examples that keep their labels: a share of each class, at least one.

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
    """For each trainable variable, its learning rate over the head's."""
    encoder = config.encoder_learning_rate / config.learning_rate
    depths = block_depths(model)
    return [
        encoder * config.layer_decay ** depths[id(variable)]
        if id(variable) in depths
        else 1.0
        for variable in model.trainable_variables
    ]


def block_depths(model: Classifier) -> dict[int, int]:
    """Id of each variable of the backbone -> blocks between its own and the head.

    A block is a run of layers whose names begin alike: layer4_0_conv1 and
    layer4_1_bn2 are of one, conv1 and bn1 of one each.
    """
    blocks = []
    for layer in model.encoder.backbone.layers:
        found = BLOCK.match(layer.name.lower())
        name = found[0] if found else layer.name
        if layer.variables and (not blocks or blocks[-1][0] != name):
            blocks.append((name, []))
        if layer.variables:
            blocks[-1][1].extend(layer.variables)
    return {
        id(variable): depth
        for depth, (_, variables) in enumerate(reversed(blocks))
        for variable in variables
    }
