"""EXIF orientation in NumPy, as `data.orientation` has it in TensorFlow."""

import numpy as np


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror [height, width, ...] as `PIL.ImageOps.exif_transpose` does."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values[:, ::-1] if orientation in (2, 3, 6, 7) else values
