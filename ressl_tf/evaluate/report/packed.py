"""Arrays as text that a page carries."""

import base64
import math
from typing import Any

import numpy as np

LARGEST = 32767  # of int16


def integers(array: np.ndarray) -> str:
    """Return an array as base64 of little-endian int32."""
    return _base64(np.asarray(array).astype("<i4"))


def floats(array: np.ndarray) -> str:
    """Return an array as base64 of little-endian float32."""
    return _base64(np.asarray(array).astype("<f4"))


def vectors(array: np.ndarray) -> dict[str, Any]:
    """Return unit vectors as int16 and the scale that makes them floats again.

    It halves the page, and moves a similarity by less than 1e-4.

    Args:
        array: [n, d], finite.

    Returns:
        "values" (base64 of little-endian int16), "scale" and "shape".
    """
    scale = float(np.abs(array).max(initial=0.0)) / LARGEST or 1.0
    steps = np.rint(np.asarray(array, np.float64) / scale)
    values = _base64(steps.astype("<i2"))
    return {"values": values, "scale": scale, "shape": list(array.shape)}


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    """Return the vectors that a page makes of what `vectors` packed, float64."""
    steps = np.frombuffer(base64.b64decode(packed["values"]), "<i2")
    return steps.reshape(packed["shape"]) * packed["scale"]


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as an address that holds them: data:image/png;base64,..."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def plain(value: Any) -> Any:
    """Return what JSON can hold: NaN and infinity become null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
