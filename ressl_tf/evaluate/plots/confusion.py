"""The figure of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.evaluate.plots.figure import shorten

NAMED_CLASSES = 40  # beyond, names and numbers would be unreadable


def confusion_matrix(
    counts: np.ndarray, names: Sequence[str], title: str = ""
) -> Figure:
    """Show the fraction of each true class (row) that each class was predicted for.

    Args:
        counts: [classes, classes]; a row is the true class.
        names: Names of the classes, in order.
        title: Title of the figure.
    """
    counts = np.asarray(counts, float)
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(2.4 + 0.42 * len(names), 12)
    figure = Figure((side + 0.8, side), layout="tight")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    shown = axis.imshow(100 * fractions, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(shown, ax=axis, fraction=0.046, label="% of the class")
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    axis.set_title(shorten(title, 200), fontsize=10)
    if len(names) <= NAMED_CLASSES:
        _name_classes(axis, fractions, names)
    return figure


def _name_classes(axis, fractions, names):
    ticks, names = range(len(names)), [shorten(str(name)) for name in names]
    axis.set_xticks(ticks, names, rotation=90, fontsize=8)
    axis.set_yticks(ticks, names, fontsize=8)
    if len(names) > 20:
        return
    for row, column in np.ndindex(fractions.shape):
        fraction = fractions[row, column]
        colour = "white" if fraction > 0.5 else "black"
        text = f"{100 * fraction:.0f}"
        axis.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
