"""Write a trained network to a file of PyTorch."""

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
from ressl_tf.saving.pytorch.layouts import Components, by_name, join
from ressl_tf.saving.pytorch.parameter_names import State, to_pytorch

log = logging.getLogger("ressl_tf")


def export(config: ConvertConfig) -> dict[str, Any]:
    """Write a network in a layout of PyTorch.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: There is no network, or one that the layout cannot hold.
        RunError: A checkpoint cannot be read or the disk refuses.
    """
    layout = by_name(config.layout)
    opened = open_pretrained(config.workdir)
    if layout.target is None:
        backbone = state_of(opened.encoder.backbone)
        components = Components(layout, backbone, _classifier(opened))
    else:
        components = training_components(opened, Components(layout))
    found = find_architecture(components.backbone)
    state = join(components)
    content = {layout.key: state, "arch": found.backbone} if layout.key else state
    torch_file.write(content, config.output)
    _log_use(opened, found.stem)
    return {
        "output": config.output,
        "workdir": config.workdir,
        "layout": layout.name,
        "backbone": found.backbone,
        "feature_dim": opened.encoder.feature_dim,
        "written": [name for name, there in _written(components).items() if there],
        "tensors": len(state),
    }


def _log_use(opened, stem: str) -> None:
    """Log what a PyTorch program has to know of its input and its first layer."""
    mean, std = (
        np.round(x, 4).tolist() for x in (opened.encoder.mean, opened.encoder.std)
    )
    channels = opened.encoder.channels
    log.info(
        "it takes images [n, %d, h, w] on 0..1, less %s, by %s", channels, mean, std
    )
    if stem != "standard":
        padding = 2 if opened.config.get("stem") == "small_pad2" else 1
        log.info(
            "its conv1 is 3x3 with stride 1 and padding %d: adapt the PyTorch model",
            padding,
        )


def training_components(opened: Pretrained, components: Components) -> Components:
    """Fill in every component of a pretraining run.

    Raises:
        UsageError: It is no such run, or its projector or queue has another form.
    """
    name, layout = components.layout.name, components.layout
    if opened.kind != "workdir" or opened.classifier is not None:
        raise UsageError(
            f"--layout={name} holds projector, target and queue, which "
            "only the workdir of a pretraining has; take --layout=torchvision. "
            f"Received: {opened.path}"
        )
    model = restored(stored_config(opened.path), opened.path)
    components.projector = state_of(model.online.projector)
    if set(components.projector) != PROJECTOR or len(model.queues) != 1:
        raise UsageError(
            f"--layout={name} takes a projector Linear-ReLU-Linear and "
            f"one queue; take --layout=torchvision. Received: {opened.path}"
        )
    components.backbone = state_of(model.online.backbone)
    components.target_backbone = state_of(model.target.backbone)
    components.target_projector = state_of(model.target.projector)
    components.queue = _queue_state(model.queues[0], layout.queue_columns)
    return components


def _queue_state(queue, columns: bool) -> State:
    keys = queue.keys.numpy()
    return {
        "queue": keys.T if columns else keys,
        "queue_ptr": queue.position.numpy().reshape(1),
    }


def restored(config: Config, place: pathlib.Path) -> ImageSSL:
    """Return the whole model of a workdir: both networks and the queue."""
    model = make_model(config)
    Checkpoints(place / "checkpoints").restore(model)
    return model


def state_of(network: keras.Model) -> State:
    """Return the weights of a network by PyTorch's names."""
    variables = variables_by_name(network)
    return to_pytorch({name: v.numpy() for name, v in variables.items()})


def _classifier(opened) -> State:
    """Return a fine-tuned head as the layer after `fc.`; empty without one."""
    if opened.classifier is None:
        return {}
    kernel, bias = (v.numpy() for v in opened.classifier.head.variables)
    return {"weight": kernel.T, "bias": bias}


def _written(components):
    head = "classifier" if components.layout.target is None else "projector"
    return {
        "backbone": components.backbone,
        head: components.projector,
        "target": components.target_backbone,
        "queue": components.queue,
    }
