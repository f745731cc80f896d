"""From a trained network to a file of PyTorch."""

import logging
import pathlib
from typing import Any

import keras
import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.methods.build import make_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import Pretrained, open_pretrained, stored_config
from ressl_tf.saving.pytorch import torch_file
from ressl_tf.saving.pytorch.architecture import find_architecture
from ressl_tf.saving.pytorch.from_torch import PROJECTOR, variables_by_name
from ressl_tf.saving.pytorch.layouts import Parts, by_name, join
from ressl_tf.saving.pytorch.parameter_names import State, to_pytorch

log = logging.getLogger("ressl_tf")


def export(config: ConvertConfig) -> dict[str, Any]:
    """Writes a network in a layout of PyTorch; returns the result.

    Raises:
        UsageError: when there is no network, or one that the layout cannot hold.
        RunError: when a checkpoint cannot be read or the disk refuses.
    """
    layout = by_name(config.layout)
    opened = open_pretrained(config.workdir)
    if layout.target is None:
        parts = Parts(layout, state_of(opened.encoder.backbone), _classifier(opened))
    else:
        parts = training_parts(opened, Parts(layout))
    found = find_architecture(parts.backbone)
    state = join(parts)
    content = {layout.key: state, "arch": found.backbone} if layout.key else state
    torch_file.write(content, config.output)
    mean, std = (np.round(x, 4).tolist() for x in _normalization(opened))
    log.info("it takes images [n, 3, h, w] on 0..1, less %s, by %s", mean, std)
    if found.stem != "standard":
        padding = 2 if opened.config.get("stem") == "small_pad2" else 1
        log.info(
            "its conv1 is 3x3 with stride 1 and padding %d: adapt the PyTorch model",
            padding,
        )
    return {
        "output": config.output,
        "workdir": config.workdir,
        "layout": layout.name,
        "backbone": found.backbone,
        "feature_dim": opened.encoder.feature_dim,
        "written": [name for name, there in _written(parts).items() if there],
        "tensors": len(state),
    }


def training_parts(opened: Pretrained, parts: Parts) -> Parts:
    """Fills in every part of a pretraining run.

    Raises:
        UsageError: when it is none, or its projector or queue is of another form.
    """
    if opened.kind != "workdir" or opened.classifier is not None:
        raise UsageError(
            f"--layout={parts.layout.name} holds projector, target and queue, which "
            "only the workdir of a pretraining has; take --layout=torchvision. "
            f"Received: {opened.path}"
        )
    model = restored(stored_config(opened.path), opened.path)
    parts.projector = state_of(model.online.projector)
    if set(parts.projector) != PROJECTOR or len(model.queues) != 1:
        raise UsageError(
            f"--layout={parts.layout.name} takes a projector Linear-ReLU-Linear and "
            f"one queue; take --layout=torchvision. Received: {opened.path}"
        )
    parts.backbone = state_of(model.online.backbone)
    parts.target_backbone = state_of(model.target.backbone)
    parts.target_projector = state_of(model.target.projector)
    (queue,) = model.queues
    keys = queue.keys.numpy()
    parts.queue = {
        "queue": keys.T if parts.layout.queue_columns else keys,
        "queue_ptr": queue.position.numpy().reshape(1),
    }
    return parts


def restored(config: Config, place: pathlib.Path) -> ImageSSL:
    """The whole model of a workdir: both networks and the queue."""
    model = make_model(config)
    Checkpoints(place / "checkpoints").restore(model)
    return model


def state_of(network: keras.Model) -> State:
    """The weights of a network by PyTorch's names."""
    variables = variables_by_name(network)
    return to_pytorch({name: v.numpy() for name, v in variables.items()})


def _classifier(opened) -> State:
    """A fine-tuned head as the layer after `fc.`; nothing where there is none."""
    if opened.classifier is None:
        return {}
    kernel, bias = (v.numpy() for v in opened.classifier.head.variables)
    return {"weight": kernel.T, "bias": bias}


def _normalization(opened):
    return opened.encoder.mean, opened.encoder.std


def _written(parts):
    head = "classifier" if parts.layout.target is None else "projector"
    return {
        "backbone": parts.backbone,
        head: parts.projector,
        "target": parts.target_backbone,
        "queue": parts.queue,
    }
