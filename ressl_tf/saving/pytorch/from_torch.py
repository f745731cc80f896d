"""Import a state dict of PyTorch into a workdir."""

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
from ressl_tf.config.normalizations import mean_and_std
from ressl_tf.engine.checkpoint import Checkpoints
from ressl_tf.engine.workdir import Workdir
from ressl_tf.methods.build import make_model
from ressl_tf.methods.images import ImageSSL
from ressl_tf.models import ema
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.pytorch import same_features, torch_file
from ressl_tf.saving.pytorch.families import (
    find,
    state_of,
    translator,
    variables_by_name,
)
from ressl_tf.saving.pytorch.layouts import Components, queue_rows, split
from ressl_tf.saving.pytorch.parameter_names import COUNTER, State

log = logging.getLogger("ressl_tf")
# Stem -> side of the images in the papers' recipes.
IMAGE_SIZES = {"standard": 224, "small_maxpool": 64, "small": 32, "small_pad2": 32}
OPTIONAL = (COUNTER, "qkv.bias", "patch_embed.proj.bias")  # may not be there
PROJECTOR = {"hidden.weight", "hidden.bias", "output.weight", "output.bias"}


def convert(config: ConvertConfig) -> dict[str, Any]:
    """Write the workdir of a file of PyTorch.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: The file cannot be read, its network is none of ours, or the workdir
            holds another run.
        RunError: The disk refuses.
    """
    state = torch_file.read(config.checkpoint)
    digest = torch_file.sha256(config.checkpoint)
    source = {"file": pathlib.Path(config.checkpoint).name, "sha256": digest}
    return import_state(state, config, source)


def import_state(
    state: Mapping[str, np.ndarray], config: ConvertConfig, source: dict[str, str]
) -> dict[str, Any]:
    """Write the workdir of a state dict.

    Args:
        state: PyTorch's names to arrays, in any known layout.
        config: The workdir, and what the weights do not determine.
        source: Origin of the weights, to be noted, with their "sha256".

    Returns:
        The result, as the command line prints it.
    """
    components = split(state)
    left_out = leave_out(components)
    run = run_config(components, config)
    model = make_model(run)
    fill(model, components)
    found = [name for name, there in _presence(components).items() if there]
    about = {
        "source": source,
        "layout": components.layout.name,
        "backbone": run.backbone,
        "found": found,
        "copied": [] if "target" in found else ["target"],  # from the online network
        "random": [name for name in ("projector", "queue") if name not in found],
        "left_out": left_out,
    }
    verified = {}
    if config.verify:
        difference = same_features.largest_difference(model.online, components.backbone)
        verified["largest_difference"] = difference
    save(model, run, about)
    _log_summary(about, run)
    return {
        "workdir": str(run.run_dir),
        **{key: value for key, value in about.items() if key != "source"},
        **verified,
        "feature_dim": model.online.feature_dim,
        "backbone_parameters": sum(
            math.prod(v.shape) for v in model.online.backbone.trainable_variables
        ),
    }


def leave_out(components: Components) -> list[str]:
    """Empty the components that cannot be used here; return their names."""
    left_out = sorted({name.partition(".")[0] for name in components.rest})
    if components.projector and set(components.projector) != PROJECTOR:
        if components.layout.target is None:
            left_out.append(components.layout.projector.strip("."))  # a classifier
        else:
            left_out.append("projector")
            log.warning(
                "the projector is left out: only Linear-ReLU-Linear with bias can be "
                "converted. Received: %s",
                ", ".join(sorted(components.projector)),
            )
        components.projector, components.target_projector = {}, {}
    queue = components.queue.get("queue")
    if queue is not None and (not components.projector or queue.ndim != 2):
        log.warning("the queue is left out: it is used with its projector, one of each")
        components.queue = {}
        left_out.append("queue")
    return left_out


def _stem(components, found: str, asked: str) -> str:
    """Choose the stem: the one asked for, or the usual one of the layout's project.

    solo-learn pads the 3x3 convolution for small images by 2, the others by 1.

    Raises:
        UsageError: The one asked for does not fit the weights.
    """
    if "conv1.weight" not in components.backbone:
        return found if asked == "auto" else asked  # weights do not tell strides
    solo = components.layout.name.startswith("solo")
    usual = "small_pad2" if solo and found == "small" else found
    stem = usual if asked == "auto" else asked
    if (stem == "standard") != (found == "standard"):
        raise UsageError(
            f"--stem={stem} does not fit conv1.weight, which has the shape "
            f"{list(components.backbone['conv1.weight'].shape)}; leave it at auto"
        )
    return stem


def _input(components, found, config: ConvertConfig) -> tuple[str, int]:
    """Return stem and side of the images.

    Raises:
        UsageError: What is asked for does not fit the weights.
    """
    if not found.image_size:
        stem = _stem(components, found.stem, config.stem)
        return stem, config.image_size or IMAGE_SIZES[stem]
    if config.stem != "auto" or config.image_size not in (0, found.image_size):
        raise UsageError(
            f"the ViT's positions are of images of {found.image_size} pixels in "
            f"patches of {found.patch_size}: leave out --stem and --image_size; "
            "ressl-tf export takes another size. Received: "
            f"--stem={config.stem} --image_size={config.image_size}"
        )
    return found.stem, found.image_size


def run_config(components: Components, config: ConvertConfig) -> Config:
    """Return the config of a run whose model has the shapes of the weights.

    Raises:
        UsageError: A flag or the weights are invalid.
    """
    found = find(components.backbone)
    stem, image_size = _input(components, found, config)
    sizes: dict[str, Any] = {}
    if components.projector:
        sizes["hidden_dim"] = len(components.projector["hidden.bias"])
        sizes["embedding_dim"] = len(components.projector["output.bias"])
    if components.queue:
        dim, columns = sizes["embedding_dim"], components.layout.queue_columns
        sizes["queue_size"] = len(queue_rows(components.queue["queue"], dim, columns))
    return Config(
        backbone=found.backbone,
        width=found.width,
        stem=stem,
        channels=found.channels,
        patch_size=found.patch_size,
        vit_pooling=found.vit_pooling,
        image_size=image_size,
        normalization=config.normalization,
        mean=config.mean,
        std=config.std,
        workdir=config.workdir,
        **sizes,
    )


def fill(model: ImageSSL, components: Components) -> None:
    """Load the components into the model; a missing target is a copy of the online.

    Raises:
        UsageError: Tensors are missing, unknown, of another shape or not finite.
    """
    load(model.online.backbone, components.backbone, "backbone")
    if components.projector:
        load(model.online.projector, components.projector, "projector")
    ema.copy(model.online, model.target)
    if components.target_backbone:
        load(model.target.backbone, components.target_backbone, "target's backbone")
    if components.target_projector:
        load(model.target.projector, components.target_projector, "target's projector")
    if components.queue:
        _fill_queue(model, components)


def _fill_queue(model: ImageSSL, components: Components) -> None:
    columns = components.layout.queue_columns
    rows = queue_rows(components.queue["queue"], model.embedding_dim, columns)
    _check_finite({"queue": rows}, "queue")
    model.queue.keys.assign(rows)
    position = int(np.ravel(components.queue.get("queue_ptr", 0))[0])
    model.queue.position.assign(position % len(rows))


def load(network: keras.Model, state: State, name: str = "network") -> None:
    """Load a state dict into a network, all of it or, when it does not fit, nothing.

    Args:
        network: A row of `config.backbone_table`.
        state: PyTorch's names to arrays.
        name: Name of the network in errors.

    Raises:
        UsageError: Tensors are missing, unknown, of another shape or not finite.
    """
    variables, names = variables_by_name(network), translator(state)
    expected = state_of(network)
    state = {name: a for name, a in state.items() if not name.endswith(COUNTER)}
    _check_shapes(state, expected, name, names.LIKE)
    _check_finite(state, name)
    for variable, array in names.to_keras(state).items():
        variables[variable].assign(array)


def save(model: ImageSSL, run: Config, about: dict[str, Any]) -> None:
    """Write config, `converted.json` and, last, the checkpoint of step 0.

    Raises:
        UsageError: The workdir holds another run.
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


def _check_shapes(state, expected, network, like):
    needed = {name for name in expected if not name.endswith(OPTIONAL)}
    known = needed | set(expected)
    for what, names in (("misses", needed - set(state)), ("has", set(state) - known)):
        if names:
            raise UsageError(
                f"the {network} {what} {_shorten(sorted(names))}, unlike a {like}; it "
                "cannot be converted"
            )
    unlike = [name for name in state if state[name].shape != expected[name].shape]
    if unlike:
        name = unlike[0]
        raise UsageError(
            f"the {network}'s {name} must have the shape {list(expected[name].shape)} "
            f"after what else is there. Received: {list(state[name].shape)}"
        )


def _check_finite(state, network):
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise UsageError(
                f"the {network}'s {name} is not finite everywhere; take a checkpoint "
                "from before the training failed"
            )


def _shorten(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _presence(components):
    return {
        "backbone": components.backbone,
        "projector": components.projector,
        "target": components.target_backbone,
        "queue": components.queue,
    }


def _log_summary(about, run):
    form = f"stem {run.stem}"
    if run.patch_size:
        form = f"patches of {run.patch_size} pixels, pooling {run.vit_pooling}"
    log.info("%s of %s, %s", run.backbone, about["layout"], form)
    for key in ("found", "copied", "random", "left_out"):
        log.info("%-8s %s", key, ", ".join(about[key]) or "nothing")
    mean, std = mean_and_std(run)
    log.info("images are normalised by mean %s, std %s: --normalization", mean, std)
    if run.stem in ("small", "small_pad2"):
        padding = 2 if run.stem == "small_pad2" else 1
        log.info(
            "stem 3x3, padding %d, no max-pool; with one: --stem=small_maxpool", padding
        )
