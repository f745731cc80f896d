"""Arithmetic of rows of features, in NumPy."""

import numpy as np


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Divide each row by its length; rows of zeros stay zeros.

    Args:
        vectors: [n, f].

    Returns:
        [n, f].
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)
