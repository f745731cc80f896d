"""timm's ConvNeXt, EfficientNets and MobileNets: what makes them, and their features.

The networks `tf_*` are those that pad as TensorFlow does. Where timm is installed they
are the other side of `same_features`.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pytorch import timm_forward
from ressl_tf.saving.pytorch.architecture import Architecture
from ressl_tf.saving.pytorch.parameter_names import State
from ressl_tf.saving.pytorch.timm_architecture import CONVNEXT_DEPTHS, CONVNEXT_DIM

MODELS: dict[str, tuple[str, dict[str, Any]]] = {  # ours -> timm's, its options
    "efficientnet_b0": ("tf_efficientnet_b0", {}),
    "efficientnet_b1": ("tf_efficientnet_b1", {}),
    "efficientnet_b2": ("tf_efficientnet_b2", {}),
    "efficientnet_b3": ("tf_efficientnet_b3", {}),
    "mobilenet_v2": ("mobilenetv2_100", {"pad_type": "same", "bn_eps": 1e-3}),
    "mobilenet_v3_small": ("tf_mobilenetv3_small_100", {}),
    "mobilenet_v3_large": ("tf_mobilenetv3_large_100", {}),
    "convnext_tiny": ("convnext_tiny", {}),
}


def has(backbone: str) -> bool:
    """Whether a backbone has a counterpart of that kind in timm."""
    return backbone in MODELS


def call(found: Architecture, classes: int = 0) -> str:
    """Return the call that makes the network in Python.

    Args:
        found: the network.
        classes: of its classifier; 0 for features.
    """
    name, options = _arguments(found, classes)
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return f"timm.create_model({name!r}, {given})"


def features(state: State, images: np.ndarray, found: Architecture) -> np.ndarray:
    """Return features of timm's network with these weights, [n, f].

    Args:
        state: timm's names to arrays.
        images: normalised, float32 [n, channels, h, w].
        found: the network.

    Raises:
        UsageError: PyTorch or timm is not installed.
        RunError: timm's network does not take the weights.
    """
    for package in ("torch", "timm"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"--verify runs {found.backbone} by PyTorch and timm, and {package} is "
                "not installed: pip install 'ressl_tf[torch]' timm"
            )
    name, options = _arguments(found, 0)
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        asked = json.dumps({"name": name, "options": options})
        (folder / "network.json").write_text(asked)
        np.savez(folder / "weights.npz", **state)  # type: ignore[arg-type]
        np.save(folder / "images.npy", images)
        command = [sys.executable, timm_forward.__file__, made]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            raise RunError(f"timm cannot run {name} with these weights: {last}")
        return np.load(folder / "features.npy")


def _arguments(found: Architecture, classes: int) -> tuple[str, dict[str, Any]]:
    name, options = MODELS[found.backbone]
    if found.width != 1:  # of a ConvNeXt alone
        dims = [round(CONVNEXT_DIM * found.width * 2**stage) for stage in range(4)]
        options = {**options, "depths": list(CONVNEXT_DEPTHS), "dims": dims}
    return name, {**options, "in_chans": found.channels, "num_classes": classes}
