"""Write a trained network to a file of PyTorch."""

import logging
import pathlib
from typing import Any

import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.methods.build import make_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pretrained import Pretrained, open_pretrained, stored_config
from ressl_tf.saving.pytorch import same_features, timm_networks, torch_file
from ressl_tf.saving.pytorch.families import family_of, find, state_of
from ressl_tf.saving.pytorch.from_torch import PROJECTOR
from ressl_tf.saving.pytorch.layouts import (
    CONVNEXT,
    MBCONV,
    RESNET,
    VIT,
    Components,
    Layout,
    by_name,
    join,
    names,
    split,
)
from ressl_tf.saving.pytorch.parameter_names import State
from ressl_tf.saving.pytorch.vit_names import HEAD_DIM

log = logging.getLogger("ressl_tf")
USUAL = {  # family -> the layout of its backbone
    RESNET: "torchvision",
    VIT: "timm",
    CONVNEXT: "timm",
    MBCONV: "timm",
}


def export(config: ConvertConfig) -> dict[str, Any]:
    """Write a network in a layout of PyTorch.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: There is no network, or one that the layout cannot hold.
        RunError: A checkpoint cannot be read or the disk refuses.
    """
    opened = open_pretrained(config.workdir)
    layout = _layout(config.layout, opened)
    if layout.target is None:
        backbone = state_of(opened.encoder.backbone)
        components = Components(layout, backbone, _classifier(opened))
    else:
        components = training_components(opened, Components(layout))
    found = find(components.backbone)
    state = join(components)
    content = {layout.key: state, "arch": found.backbone} if layout.key else state
    torch_file.write(content, config.output)
    _log_use(opened, found)
    verified = {}
    if config.verify:
        written = split(torch_file.read(config.output)).backbone
        difference = same_features.largest_difference(opened.encoder, written)
        verified["largest_difference"] = difference
    return {
        **verified,
        "output": config.output,
        "workdir": config.workdir,
        "layout": layout.name,
        "backbone": found.backbone,
        "feature_dim": opened.encoder.feature_dim,
        "written": [name for name, there in _written(components).items() if there],
        "tensors": len(state),
    }


def _layout(name: str, opened: Pretrained) -> Layout:
    """Return the layout that is asked for, or the usual one of the network's family.

    Raises:
        UsageError: It has no names for this network.
    """
    family = family_of(state_of(opened.encoder.backbone))
    layout = by_name(USUAL[family] if name == "auto" else name, family)
    if family not in layout.families:
        others = [n for n in names() if family in by_name(n, family).families]
        raise UsageError(
            f"--layout={name} has no names for this network, which is written as "
            f"{', '.join(others)}. Received: {opened.path}, a "
            f"{opened.encoder.backbone.name}"
        )
    return layout


def _log_use(opened, found) -> None:
    """Log what a PyTorch program has to know of its input and its first layer."""
    mean, std = (
        np.round(x, 4).tolist() for x in (opened.encoder.mean, opened.encoder.std)
    )
    channels = found.channels
    log.info(
        "it takes images [n, %d, h, w] on 0..1, less %s, by %s", channels, mean, std
    )
    if made := _in_timm(opened, found):
        log.info("timm makes its network by %s", made)
    if found.stem != "standard":
        padding = 2 if opened.config.get("stem") == "small_pad2" else 1
        log.info(
            "its conv1 is 3x3 with stride 1 and padding %d: adapt the PyTorch model",
            padding,
        )


def _in_timm(opened, found) -> str:
    """Return the call that makes the network there; empty for torchvision's ResNets."""
    classes = opened.classifier.classes if opened.classifier else 0
    if timm_networks.has(found.backbone):
        return timm_networks.call(found, classes)
    if not found.patch_size:
        return ""
    options = {
        "img_size": found.image_size,
        "in_chans": found.channels,
        "patch_size": found.patch_size,
        "embed_dim": opened.encoder.feature_dim,
        "num_heads": opened.encoder.feature_dim // HEAD_DIM,
        "num_classes": classes,
        "class_token": found.vit_pooling != "mean",
        "global_pool": "token" if found.vit_pooling == "token" else "avg",
        "fc_norm": found.vit_pooling == "mean_norm",
    }
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"timm.models.vision_transformer.VisionTransformer({given})"


def training_components(opened: Pretrained, components: Components) -> Components:
    """Fill in every component of a pretraining run.

    Raises:
        UsageError: It is no such run, or its projector or queue has another form.
    """
    name, layout = components.layout.name, components.layout
    if opened.kind != "workdir" or opened.classifier is not None:
        raise UsageError(
            f"--layout={name} holds projector, target and queue, which "
            "only the workdir of a pretraining has; take --layout=auto. "
            f"Received: {opened.path}"
        )
    model = restored(stored_config(opened.path), opened.path)
    components.projector = state_of(model.online.projector)
    if set(components.projector) != PROJECTOR or len(model.queues) != 1:
        raise UsageError(
            f"--layout={name} takes a projector Linear-ReLU-Linear and "
            f"one queue; take --layout=auto. Received: {opened.path}"
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
