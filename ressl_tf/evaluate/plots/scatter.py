"""Scatter plots of images in the plane, coloured by class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.evaluate.plots.figure import shorten

# matplotlib's tab20, the ten strong colours first, with black for its greys: grey
# stands for the other classes and for none.
COLOURS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"),
    *("#8c564b", "#e377c2", "#111111", "#bcbd22", "#17becf"),
    *("#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5"),
    *("#c49c94", "#f7b6d2", "#7a7a7a", "#dbdb8d", "#9edae5"),
)
GREY = "#d4d4d4"
Group = tuple[str, np.ndarray, str]  # name, rows, colour


def scatter(
    points: np.ndarray,
    labels: np.ndarray | None = None,
    label_names: Sequence[str] | None = None,
    *,
    title: str = "",
    axes: tuple[str, str] = ("", ""),
) -> Figure:
    """Draw a point for each image.

    Up to 20 classes have a colour each and a line of the legend. Of more, the 20 with
    the most points do; the others are grey, as are images without a class.

    Args:
        points: [n, 2].
        labels: [n], below 0 for none; None gives all points one colour.
        label_names: Names of the classes; given with `labels`.
        title: Title of the figure.
        axes: Names of the coordinates.
    """
    figure = Figure((8.4 if labels is not None else 6.6, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    area = float(np.clip(30_000 / len(points), 6, 60))
    for name, rows, colour in groups(len(points), labels, label_names):
        axis.scatter(
            points[rows, 0],
            points[rows, 1],
            s=area,
            c=colour,
            label=shorten(name),
            alpha=0.8,
            edgecolors="none",
            zorder=1 if colour == GREY else 2,
        )
    axis.set_title(title, fontsize=11)
    axis.set_xlabel(axes[0])
    axis.set_ylabel(axes[1])
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_aspect("equal", "datalim")
    if labels is not None:
        _legend(figure)
    return figure


def _legend(figure: Figure) -> None:
    legend = figure.legend(loc="outside right center", fontsize=9, frameon=False)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set(sizes=[40], alpha=1.0)


def groups(
    count: int, labels: np.ndarray | None, label_names: Sequence[str] | None
) -> list[Group]:
    """Group the points by colour; grey groups come last.

    Args:
        count: Number of images.
        labels: [count], below 0 for none; None for one group.
        label_names: Names of the classes; given with `labels`.

    Returns:
        (name, rows, colour) of each group.
    """
    if labels is None or label_names is None:
        return [("images", np.arange(count), COLOURS[0])]
    classes, sizes = np.unique(labels[labels >= 0], return_counts=True)
    largest = classes[np.argsort(-sizes, kind="stable")[: len(COLOURS)]]
    coloured: list[Group] = [
        (str(label_names[label]), np.flatnonzero(labels == label), colour)
        for label, colour in zip(np.sort(largest), COLOURS, strict=False)
    ]
    others = len(classes) - len(largest)
    grey = {
        f"{others} other classes": (labels >= 0) & ~np.isin(labels, largest),
        "no class": labels < 0,
    }
    return coloured + [
        (name, np.flatnonzero(where), GREY)
        for name, where in grey.items()
        if where.any()
    ]
