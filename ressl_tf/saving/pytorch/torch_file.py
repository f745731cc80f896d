"""Read and write PyTorch's files; no code that a file holds is run."""

import argparse
import hashlib
import pathlib
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from ressl_tf.runtime import archives
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pytorch.parameter_names import State

KEYS = ("model", "state_dict", "model_state_dict", "teacher", "student")


def read(path: str) -> State:
    """Return the state dict in a file of `torch.save`.

    It may lie under a key of a training checkpoint.

    Returns:
        Names to float32 or integer arrays.

    Raises:
        UsageError: There is no such file, PyTorch cannot read it, it holds more than
            tensors and plain values, or no state dict.
    """
    check_declared(path)
    torch = import_torch()
    content = _load(torch, pathlib.Path(path))
    for found in (*(_get(content, key) for key in KEYS), content):
        if tensors := _tensors(torch, found):
            return {name: _array(torch, tensor) for name, tensor in tensors.items()}
    keys = sorted(map(str, content)) if isinstance(content, Mapping) else []
    shown = f"a dict of {', '.join(keys[:8])}" if keys else type(content).__name__
    raise UsageError(
        f"{path} holds no state dict, by itself or under {', '.join(KEYS)}; save "
        f"model.state_dict(). Received: {shown}"
    )


def write(content: Mapping[str, Any], path: str) -> None:
    """Save a dict of arrays, plain values and such dicts for `torch.load`.

    Raises:
        UsageError: PyTorch is not installed.
        RunError: The disk refuses.
    """
    torch = import_torch()
    try:
        with replacing(path) as temporary:
            torch.save(_as_tensors(torch, content), temporary)
    except OSError as error:
        raise RunError(f"cannot save {path}: {error.strerror}") from None


def check_declared(path: str) -> None:
    """Refuse a zip file, as torch.save writes, that would fill the memory.

    Raises:
        UsageError: it declares too much.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                archives.check(archive.infolist())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def sha256(path: str) -> str:
    """Return the SHA-256 hash of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def import_torch() -> Any:
    """Import PyTorch.

    Raises:
        UsageError: It is not installed; says how it is.
    """
    try:
        import torch
    except ImportError:
        raise UsageError(
            "files of PyTorch need PyTorch itself: pip install 'ressl_tf[torch]'"
        ) from None
    return torch


def _load(torch, path):
    # DINO keeps its arguments beside the weights; a Namespace is a plain object.
    torch.serialization.add_safe_globals([argparse.Namespace])
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UsageError(
            f"--checkpoint must be a file of PyTorch. Received: {path} "
            f"({error.strerror})"
        ) from None
    except Exception as error:  # whatever damaged bytes raise in zip and unpickler
        raise UsageError(_reason(path, str(error))) from None


def _reason(path, error):
    """Condense PyTorch's error, which has many lines, to one."""
    if found := re.search(r"GLOBAL ([\w.]+)", error):
        return (
            f"{path} holds more than weights ({found[1]}), which is not run here; if "
            "you trust it, save its weights alone: torch.save(torch.load(path, "
            "weights_only=False)['state_dict'], 'weights.pth')"
        )
    return (
        f"{path} is truncated or no file of torch.save (.pth, .pt, .ckpt); fetch it "
        "again and compare its size"
    )


def _get(content, key):
    return content.get(key) if isinstance(content, Mapping) else None


def _tensors(torch, found):
    if not isinstance(found, Mapping):
        return {}
    return {
        name: value
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }


def _array(torch, tensor) -> np.ndarray:
    tensor = tensor.detach()
    held = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > held:  # strides of 0 repeat numbers
        raise UsageError(
            f"a tensor {list(tensor.shape)} is more than the file holds of it, {held} "
            "bytes; save its weights by torch.save(model.state_dict(), 'weights.pth')"
        )
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def _as_tensors(torch, value):
    if isinstance(value, Mapping):
        return {name: _as_tensors(torch, inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value, order="C"))  # a copy
    return value
