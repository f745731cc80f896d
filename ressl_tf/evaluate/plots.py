"""Pictures that people look at: views, neighbours, curves."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.files import replacing


def image_rows(
    rows: Mapping[str, np.ndarray], columns: int = 10, side: float = 0.9
) -> Figure:
    """A sheet with a named row of pictures each.

    Args:
        rows: name -> images [n, h, w, 3] on 0..255; below each other, the pictures of
            a column belong together.
        columns: pictures a row at the most.
        side: of a picture, in inches.
    """
    columns = min(columns, *(len(images) for images in rows.values()))
    figure = Figure((side * columns + 0.9, side * len(rows)), layout="tight")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, image in zip(axes, images, strict=False):
            _show(axis, image)
        axes[0].set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
    return figure


def neighbours(
    images: np.ndarray,
    features: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    queries: int = 8,
    count: int = 8,
    side: float = 0.9,
) -> Figure:
    """A gallery: on the left an image, then those with the most similar features.

    Args:
        images: [n, h, w, 3] on 0..255.
        features: [n, f]; similarity is the cosine.
        labels: [n]; where given, a frame is green for the query's class, else red.
        queries: rows, spread evenly over the images.
        count: neighbours a row.
        side: of a picture, in inches.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    chosen = np.linspace(0, len(images) - 1, queries).round().astype(int)
    figure = Figure((side * (count + 1.3), side * queries), layout="tight")
    FigureCanvasAgg(figure)
    grid = figure.subplots(queries, count + 1, squeeze=False)
    for axes, query in zip(grid, chosen, strict=True):
        order = np.argsort(-(unit @ unit[query]), kind="stable")
        order = [query, *order[order != query][:count]]
        for axis, index in zip(axes, order, strict=False):
            _show(axis, images[index])
            if labels is not None and index != query:
                _frame(axis, labels[index] == labels[query])
    grid[0, 0].set_title("query", fontsize=9)
    grid[0, 1].set_title("nearest", fontsize=9)
    return figure


def curves(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss, kNN accuracy and spread of the embeddings over epochs.

    Args:
        rows: of `metrics.jsonl`.
    """
    names = {
        "loss": "loss",
        "knn_top1": "kNN top-1",
        "embedding_std": "std of embeddings",
    }
    names = {n: text for n, text in names.items() if any(n in row for row in rows)}
    figure = Figure((3.4 * len(names), 2.6), layout="tight")
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, (name, text) in zip(grid, names.items(), strict=True):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points, strict=True), marker=".", color="#2060a0")
        axis.set_xlabel("epoch")
        axis.set_title(text, fontsize=10)
        axis.grid(alpha=0.3)
    return figure


def save(figure: Figure, path: str | os.PathLike, dpi: int = 80) -> None:
    """Writes a PNG, whole or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png")


def _show(axis, image):
    axis.imshow(np.clip(np.asarray(image) / 255.0, 0, 1), interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _frame(axis, right):
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=2.5, color="#2a9d3a" if right else "#d03030")
