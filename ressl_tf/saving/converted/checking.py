"""Compare an exported file with the model in TensorFlow, and time it."""

import statistics
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from ressl_tf.saving.converted.forward import Forward, Run

BOUNDS = {"float32": 1e-4, "float16": 2e-2}  # of the largest number of an output
COSINE = 0.98  # least of the mean of int8
WARM_UP, TIMED = 5, 50  # images


def compare(
    source: Forward, run: Run, batches: Iterable[np.ndarray]
) -> dict[str, float]:
    """Return how far a file is from its model.

    Args:
        source: the model.
        run: the file, in another runtime.
        batches: images that both are given.

    Returns:
        "largest_difference" of any number of any output, in parts of the largest number
        of this output or of 1; "cosine" of both features, the mean over images, and
        "lowest_cosine". Each is NaN where the file gives a number that is none.
    """
    differences: dict[str, list[float]] = {}
    scales: dict[str, list[float]] = {}
    cosines = []
    for images in batches:
        wanted = {n: np.asarray(v) for n, v in source.function(images).items()}
        found = run(images)
        for name, values in wanted.items():
            gap = np.abs(found[name] - values).max()
            differences.setdefault(name, []).append(gap)
            scales.setdefault(name, [1.0]).append(np.abs(values).max())
        cosines.append(cosine(found["features"], wanted["features"]))
    ratios = [np.max(gaps) / np.max(scales[n]) for n, gaps in differences.items()]
    angles = np.concatenate(cosines)
    return {
        "largest_difference": float(np.max(ratios)),
        "cosine": float(angles.mean()),
        "lowest_cosine": float(angles.min()),
    }


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the cosines of rows [n, f]; two rows of zeros are alike."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    same = (one == other).all(axis=1)
    dots = (one * other).sum(axis=1, dtype=np.float64)
    return np.where(same, 1.0, dots / np.where(lengths == 0, 1.0, lengths))


def complaint(figures: dict[str, Any], precision: str) -> str:
    """Return what is wrong with the figures of `compare`; empty if nothing is."""
    if precision == "int8":
        if figures["cosine"] >= COSINE:
            return ""
        return f"cosine {figures['cosine']:.4f} with float features, below {COSINE}"
    if figures["largest_difference"] <= BOUNDS[precision]:
        return ""
    return (
        f"differs from TensorFlow by {figures['largest_difference']:.2g} of the "
        f"largest number, and {BOUNDS[precision]:g} are allowed"
    )


def latency(run: Run, image: np.ndarray) -> float:
    """Return the median time of a batch of one image, in milliseconds.

    Args:
        run: the file.
        image: [1, h, w, c].
    """
    times = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[WARM_UP:])
