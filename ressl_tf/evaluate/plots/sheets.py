"""Sheets of images: named rows, and galleries of nearest neighbours."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ressl_tf.evaluate.plots.figure import (
    GREEN,
    RED,
    image_grid,
    name_row,
    shorten,
    show_image,
)
from ressl_tf.evaluate.vectors import unit_rows

CAPTION = 0.12  # inches below an image
CAPTION_LETTERS = 22  # that fit there


def image_rows(
    rows: Mapping[str, np.ndarray],
    columns: int = 10,
    side: float = 0.9,
    title: str = "",
) -> Figure:
    """Draw named rows of images.

    Args:
        rows: Name -> images [n, h, w, 3] on 0..255. The images of a column belong
            together.
        columns: Images a row at most.
        side: Side of an image, in inches.
        title: Title of the figure.
    """
    columns = min(columns, *(len(images) for images in rows.values()))
    names = "\n".join(rows)
    figure, grid = image_grid(len(rows), columns, side, names=names, title=title)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, image in zip(axes, images, strict=False):
            show_image(axis, image)
        name_row(axes[0], name)
    return figure


def neighbours(
    images: np.ndarray,
    features: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    label_names: Sequence[str] | None = None,
    image_names: Sequence[str] | None = None,
    queries: int = 8,
    count: int = 8,
    side: float = 0.9,
    title: str = "",
) -> Figure:
    """Draw images, each with those that have the most similar features on its right.

    Args:
        images: [n, h, w, 3] on 0..255; two or more.
        features: [n, f]; similarity is the cosine.
        labels: [n]; where given, a frame is green for the query's class, else red. The
            neighbours of a query without a class (below 0) have no frames.
        label_names: Names of the classes; where given, a query's is beside it.
        image_names: Names of the images, which stand below them.
        queries: Number of rows; the queries are taken at equal steps over the images.
        count: Neighbours a row.
        side: Side of an image, in inches.
        title: Title of the figure.
    """
    queries, count = min(queries, len(images)), min(count, len(images) - 1)
    chosen = np.linspace(0, len(images) - 1, queries).round().astype(int)
    names = [_class_name(labels, label_names, query) for query in chosen]
    figure, grid = image_grid(
        queries,
        count + 1,
        side,
        names="\n".join(names),
        top=0.25,
        bottom=0.0 if labels is None else 0.3,
        below=CAPTION * (image_names is not None),
        title=title,
    )
    unit = unit_rows(features)
    for axes, query, name in zip(grid, chosen, names, strict=True):
        rows = [query, *_nearest(unit, query, count)]
        _gallery_row(axes, images, rows, labels)
        name_row(axes[0], name)
        if image_names is not None:
            _caption(axes, [image_names[row] for row in rows])
    grid[0, 0].set_title("query", fontsize=9)
    grid[0, 1].set_title("nearest", fontsize=9)
    if labels is not None:
        _explain_frames(figure)
    return figure


def _nearest(unit: np.ndarray, query: int, count: int) -> np.ndarray:
    """Return the rows of the nearest other vectors, the nearest first."""
    order = np.argsort(-(unit @ unit[query]), kind="stable")
    return order[order != query][:count]


def _gallery_row(axes: np.ndarray, images, rows: Sequence[int], labels) -> None:
    """Draw a query, the first of `rows`, and its neighbours with their frames."""
    for axis, row in zip(axes, rows, strict=True):
        show_image(axis, images[row])
    query, *nearest = rows
    if labels is not None and labels[query] >= 0:
        for axis, row in zip(axes[1:], nearest, strict=True):
            _frame(axis, labels[row] == labels[query])


def _caption(axes: np.ndarray, names: Sequence[str]) -> None:
    for axis, name in zip(axes, names, strict=True):
        axis.set_xlabel(shorten(name, CAPTION_LETTERS), fontsize=5, labelpad=1)


def _class_name(labels, label_names, row) -> str:
    if labels is None or label_names is None or labels[row] < 0:
        return ""
    return shorten(str(label_names[labels[row]]))


def _frame(axis: Axes, right: bool) -> None:
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=2.5, color=GREEN if right else RED)


def _explain_frames(figure: Figure) -> None:
    kinds = {"of the query's class": GREEN, "of another class": RED}
    figure.legend(
        handles=[
            Patch(facecolor="white", edgecolor=colour, linewidth=2.5, label=name)
            for name, colour in kinds.items()
        ],
        loc="lower center",
        ncols=2,
        fontsize=9,
        frameon=False,
        borderaxespad=0.2,
    )
