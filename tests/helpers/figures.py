"""Features to draw, and what a figure shows."""

import numpy as np
from matplotlib.colors import to_hex


def features(count=40, length=6, seed=0):
    spread = np.array([5.0, 3.0, 1.0, 0.5, 0.2, 0.1])[:length]
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(count, length)) * spread).astype("float32")


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def described(figure):
    """Return label -> (colour, points) of what was drawn."""
    (axis,) = figure.axes
    return {
        drawn.get_label(): (to_hex(drawn.get_facecolor()[0]), drawn.get_offsets())
        for drawn in axis.collections
    }


def legend(figure):
    return [text.get_text() for box in figure.legends for text in box.get_texts()]
