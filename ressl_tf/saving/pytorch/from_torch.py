"""From a state dict of PyTorch to a workdir."""

import json
import logging
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ressl_tf.config import Config
from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.build import make_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models import ema
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch import torch_file
from ressl_tf.saving.pytorch.architecture import find_architecture
from ressl_tf.saving.pytorch.layouts import Parts, queue_rows, split
from ressl_tf.saving.pytorch.parameter_names import COUNTER, State, to_keras, to_pytorch

log = logging.getLogger("ressl_tf")
# Of the recipes.
IMAGE_SIZES = {"standard": 224, "small_maxpool": 64, "small": 32, "small_pad2": 32}
PROJECTOR = {"hidden.weight", "hidden.bias", "output.weight", "output.bias"}


def convert(config: ConvertConfig) -> dict[str, Any]:
    """Writes the workdir of a file of PyTorch; returns the result.

    Raises:
        UsageError: when the file cannot be read or its network is none of ours, or the
            workdir holds another run.
        RunError: when the disk refuses.
    """
    state = torch_file.read(config.checkpoint)
    digest = torch_file.sha256(config.checkpoint)
    source = {"file": pathlib.Path(config.checkpoint).name, "sha256": digest}
    return import_state(state, config, source)


def import_state(
    state: Mapping[str, np.ndarray], config: ConvertConfig, source: dict[str, str]
) -> dict[str, Any]:
    """Writes the workdir of a state dict; returns the result.

    Args:
        state: PyTorch's names to arrays, in any known layout.
        config: what the weights cannot tell, and the workdir.
        source: what is noted of where the weights are from, with their "sha256".
    """
    parts = split(state)
    left_out = leave_out(parts)
    run = run_config(parts, config)
    model = make_model(run)
    fill(model, parts)
    found = [name for name, there in _presence(parts).items() if there]
    about = {
        "source": source,
        "layout": parts.layout.name,
        "backbone": run.backbone,
        "found": found,
        "copied": [] if "target" in found else ["target"],  # from the online network
        "random": [name for name in ("projector", "queue") if name not in found],
        "left_out": left_out,
    }
    save(model, run, about)
    _tell(about, run)
    return {
        "workdir": str(run.run_dir),
        **{key: value for key, value in about.items() if key != "source"},
        "feature_dim": model.online.feature_dim,
        "backbone_parameters": sum(
            math.prod(v.shape) for v in model.online.backbone.trainable_variables
        ),
    }


def leave_out(parts: Parts) -> list[str]:
    """Empties the parts that have no place here; returns their names."""
    left_out = sorted({name.partition(".")[0] for name in parts.rest})
    if parts.projector and set(parts.projector) != PROJECTOR:
        if parts.layout.target is None:
            left_out.append("fc")  # torchvision's classifier
        else:
            left_out.append("projector")
            log.warning(
                "the projector is left out: only Linear-ReLU-Linear with bias can be "
                "converted. Received: %s",
                ", ".join(sorted(parts.projector)),
            )
        parts.projector, parts.target_projector = {}, {}
    queue = parts.queue.get("queue")
    if queue is not None and (not parts.projector or queue.ndim != 2):
        log.warning("the queue is left out: it is used with its projector, one of each")
        parts.queue = {}
        left_out.append("queue")
    return left_out


def _usual_stem(parts, found: str) -> str:
    """solo-learn pads the 3x3 convolution for small images by 2, the others by 1."""
    solo = parts.layout.name.startswith("solo")
    return "small_pad2" if solo and found == "small" else found


def run_config(parts: Parts, config: ConvertConfig) -> Config:
    """The config of a run whose model has the weights' shapes.

    Raises:
        UsageError: when the flags or the weights cannot be.
    """
    found = find_architecture(parts.backbone)
    stem = _usual_stem(parts, found.stem) if config.stem == "auto" else config.stem
    if (stem == "standard") != (found.stem == "standard"):
        raise UsageError(
            f"--stem={stem} does not fit conv1.weight, which has the shape "
            f"{list(parts.backbone['conv1.weight'].shape)}; leave it at auto"
        )
    sizes = {}
    if parts.projector:
        sizes["hidden_dim"] = len(parts.projector["hidden.bias"])
        sizes["embedding_dim"] = len(parts.projector["output.bias"])
    if parts.queue:
        dim, columns = sizes["embedding_dim"], parts.layout.queue_columns
        sizes["queue_size"] = len(queue_rows(parts.queue["queue"], dim, columns))
    return Config(
        backbone=found.backbone,
        width=found.width,
        stem=stem,
        image_size=config.image_size or IMAGE_SIZES[stem],
        normalization=config.normalization,
        workdir=config.workdir,
        **sizes,
    )


def fill(model: ImageSSL, parts: Parts) -> None:
    """Puts the parts into the model; without a target it is a copy of the online.

    Raises:
        UsageError: when tensors are missing, unknown, of another shape or not finite.
    """
    load(model.online.backbone, parts.backbone, "backbone")
    if parts.projector:
        load(model.online.projector, parts.projector, "projector")
    ema.copy(model.online, model.target)
    if parts.target_backbone:
        load(model.target.backbone, parts.target_backbone, "target's backbone")
    if parts.target_projector:
        load(model.target.projector, parts.target_projector, "target's projector")
    if parts.queue:
        columns = parts.layout.queue_columns
        rows = queue_rows(parts.queue["queue"], model.embedding_dim, columns)
        _check_finite({"queue": rows}, "queue")
        model.queue.keys.assign(rows)
        position = int(np.ravel(parts.queue.get("queue_ptr", 0))[0])
        model.queue.position.assign(position % len(rows))


def load(network: keras.Model, state: State, part: str = "network") -> None:
    """Puts a state dict into a network, all of it or, when it does not fit, nothing.

    Args:
        network: with the layers of torchvision, `_` in their names for `.`.
        state: PyTorch's names to arrays.
        part: what an error calls it.

    Raises:
        UsageError: when tensors are missing, unknown, of another shape or not finite.
    """
    variables = variables_by_name(network)
    expected = to_pytorch({name: v.numpy() for name, v in variables.items()})
    state = {name: a for name, a in state.items() if not name.endswith(COUNTER)}
    _check_shapes(state, expected, part)
    _check_finite(state, part)
    for name, array in to_keras(state).items():
        variables[name].assign(array)


def save(model: ImageSSL, run: Config, about: dict[str, Any]) -> None:
    """Writes config, `converted.json` and, last, the checkpoint of step 0.

    Raises:
        UsageError: when the workdir holds another run.
    """
    with Workdir(run) as workdir:
        checkpoints, note = Checkpoints(workdir.checkpoints), "converted.json"
        path = workdir.path / note
        same = (
            path.exists() and json.loads(path.read_text())["source"] == about["source"]
        )
        if workdir.rows() or (checkpoints.paths() and not same):
            raise UsageError(
                f"{workdir.path} holds another run's checkpoints; choose another "
                "--workdir"
            )
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(about, indent=2) + "\n")
        checkpoints.save(model)


def variables_by_name(network: keras.Model) -> dict[str, keras.Variable]:
    """The variables of a network by "layer/variable"."""
    layers = network.layers
    return {f"{layer.name}/{v.name}": v for layer in layers for v in layer.variables}


def _check_shapes(state, expected, part):
    needed = {name for name in expected if not name.endswith(COUNTER)}
    for what, names in (("misses", needed - set(state)), ("has", set(state) - needed)):
        if names:
            raise UsageError(
                f"the {part} {what} {_shorten(sorted(names))}, unlike a ResNet of "
                "torchvision with batch normalisation; it cannot be converted"
            )
    unlike = [name for name in state if state[name].shape != expected[name].shape]
    if unlike:
        name = unlike[0]
        raise UsageError(
            f"the {part}'s {name} must have the shape {list(expected[name].shape)} "
            f"after what else is there. Received: {list(state[name].shape)}"
        )


def _check_finite(state, part):
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise UsageError(
                f"the {part}'s {name} is not finite everywhere; take a checkpoint from "
                "before the training failed"
            )


def _shorten(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _presence(parts):
    return {
        "backbone": parts.backbone,
        "projector": parts.projector,
        "target": parts.target_backbone,
        "queue": parts.queue,
    }


def _tell(about, run):
    log.info("%s of %s, stem %s", run.backbone, about["layout"], run.stem)
    for key in ("found", "copied", "random", "left_out"):
        log.info("%-8s %s", key, ", ".join(about[key]) or "nothing")
    log.info("images are normalised as %s: --normalization", run.normalization)
    if run.stem in ("small", "small_pad2"):
        padding = 2 if run.stem == "small_pad2" else 1
        log.info(
            "stem 3x3, padding %d, no max-pool; with one: --stem=small_maxpool", padding
        )
