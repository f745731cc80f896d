"""Pictures that people look at: views, neighbours, curves."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError

BLUE, ORANGE, GREY = "#2060a0", "#e07b20", "#707070"
GREEN, RED = "#2a9d3a", "#d03030"
TITLE, MARGIN = 0.45, 0.05  # inches: above a title's sheet, on the right
GAP = 0.07  # between pictures, of their side
LETTER, TITLE_LETTER = 0.075, 0.09  # inches that a letter is wide, on average
NAME_LENGTH = 24  # letters that the name of a class may take
SMALL = 96  # sides in pixels below which a picture is enlarged: with sharp pixels
CURVES = {  # title -> key of the log -> its name in the legend
    "loss (nats)": {"loss": ""},
    "kNN top-1": {"knn_top1": ""},
    "std of embeddings": {"embedding_std": "measured"},
    "entropy of relations (nats)": {
        "teacher_entropy": "teacher",
        "student_entropy": "student",
    },
    "learning rate": {"learning_rate": ""},
    "images per second": {"images_per_second": ""},
}


def image_rows(
    rows: Mapping[str, np.ndarray],
    columns: int = 10,
    side: float = 0.9,
    title: str = "",
) -> Figure:
    """A sheet with a named row of pictures each.

    Args:
        rows: name -> images [n, h, w, 3] on 0..255; below each other, the pictures of
            a column belong together.
        columns: pictures a row at the most.
        side: of a picture, in inches.
        title: above them.
    """
    columns = min(columns, *(len(images) for images in rows.values()))
    names = "\n".join(rows)
    figure, grid = _grid(len(rows), columns, side, names=names, title=title)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, image in zip(axes, images, strict=False):
            _show(axis, image)
        _name_row(axes[0], name)
    return figure


def neighbours(
    images: np.ndarray,
    features: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    label_names: Sequence[str] | None = None,
    queries: int = 8,
    count: int = 8,
    side: float = 0.9,
    title: str = "",
) -> Figure:
    """A gallery: on the left an image, then those with the most similar features.

    Args:
        images: [n, h, w, 3] on 0..255; two or more.
        features: [n, f]; similarity is the cosine.
        labels: [n]; where given, a frame is green for the query's class, else red. A
            query of no class (below 0) has neighbours without frames.
        label_names: of the classes; where given, a query's is beside it.
        queries: rows, spread evenly over the images.
        count: neighbours a row.
        side: of a picture, in inches.
        title: above them.
    """
    queries, count = min(queries, len(images)), min(count, len(images) - 1)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(norms, 1e-12)
    chosen = np.linspace(0, len(images) - 1, queries).round().astype(int)
    names = [_class_name(labels, label_names, query) for query in chosen]
    figure, grid = _grid(
        queries,
        count + 1,
        side,
        names="\n".join(names),
        top=0.25,
        bottom=0.0 if labels is None else 0.3,
        title=title,
    )
    for axes, query, name in zip(grid, chosen, names, strict=True):
        order = np.argsort(-(unit @ unit[query]), kind="stable")
        order = [query, *order[order != query][:count]]
        for axis, index in zip(axes, order, strict=True):
            _show(axis, images[index])
            if labels is not None and index != query and labels[query] >= 0:
                _frame(axis, labels[index] == labels[query])
        _name_row(axes[0], name)
    grid[0, 0].set_title("query", fontsize=9)
    grid[0, 1].set_title("nearest", fontsize=9)
    if labels is not None:
        _explain_frames(figure)
    return figure


def curves(
    rows: Sequence[Mapping[str, Any]],
    levels: Mapping[str, tuple[float, str]] | None = None,
    title: str = "",
) -> Figure:
    """A panel for every number of the log over epochs; related ones share one.

    Args:
        rows: of `metrics.jsonl`; at least one holds a number besides epoch and step.
        levels: key of the log -> a value to compare it with, and what that is; drawn
            as a dashed line.
        title: above them.
    """
    panels = _panels(rows)
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    size = (3.4 * columns, 2.6 * lines + TITLE * bool(title))
    figure = Figure(size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, (name, keys) in zip(grid, panels.items(), strict=False):
        _curve(axis, rows, keys, levels or {})
        axis.set_title(name, fontsize=10)
        if keys.keys() & {"images_per_second", "input_wait"}:
            axis.set_ylim(bottom=0)  # else noise looks like news
    for axis in grid[len(panels) :]:
        axis.remove()
    return figure


def _panels(rows) -> dict[str, dict[str, str]]:
    """Title -> keys, of what the rows hold: known numbers first, then others."""
    held = {
        key: None  # a set that keeps its order
        for row in rows
        for key, value in row.items()
        if isinstance(value, int | float) and key not in ("epoch", "step")
    }
    known = {
        title: {key: name for key, name in keys.items() if key in held}
        for title, keys in CURVES.items()
    }
    named = {key for keys in CURVES.values() for key in keys}
    others = {key.replace("_", " "): {key: ""} for key in held if key not in named}
    return {title: keys for title, keys in {**known, **others}.items() if keys}


def _curve(axis, rows, keys, levels):
    for (key, name), colour in zip(keys.items(), (BLUE, ORANGE), strict=False):
        points = [(row["epoch"], row[key]) for row in rows if key in row]
        axis.plot(*zip(*points, strict=True), marker=".", color=colour, label=name)
    epochs = [row["epoch"] for row in rows]
    known = [levels[key] for key in keys if key in levels]
    for value, meaning in known:
        axis.plot(epochs, [value] * len(epochs), "--", color=GREY, label=meaning)
    axis.set_xlabel("epoch")
    axis.grid(alpha=0.3)
    if known or len(keys) > 1:
        axis.margins(y=0.5)  # room for the legend
        axis.legend(fontsize=8)


def check_folder(folder: str | os.PathLike, flag: str = "--output") -> None:
    """Makes the folder that pictures go to, before the work.

    Args:
        folder: of the pictures.
        flag: that names it.

    Raises:
        UsageError: when it cannot be written.
    """
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "no permission to write"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise UsageError(
            f"{flag} must be in a folder that can be written. Received: {folder} "
            f"({reason})"
        )


def save(figure: Figure, path: str | os.PathLike, dpi: int = 80) -> None:
    """Writes a PNG, whole or not at all.

    Raises:
        RunError: when it cannot be written.
    """
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=dpi, format="png")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def shorten(text: str, length: int = NAME_LENGTH) -> str:
    """`text`, or its two ends when it has more than `length` letters."""
    if len(text) <= length:
        return text
    half = (length - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def _grid(lines, columns, side, *, names="", top=0.0, bottom=0.0, title=""):
    """A figure of square axes close to each other, with names on the left.

    `top` and `bottom` are margins in inches, besides the title's.
    """
    top += TITLE * bool(title)
    left = 0.15 + LETTER * max(len(line) for line in names.split("\n"))
    right = left + side * columns
    width, height = (
        max(right + MARGIN, TITLE_LETTER * len(title)),
        top + side * lines + bottom,
    )
    figure = Figure((width, height))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=left / width,
        right=right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=GAP,
        hspace=GAP,
    )
    if title:
        figure.suptitle(title, fontsize=11, y=1 - 0.5 * TITLE / height, va="center")
    return figure, figure.subplots(lines, columns, squeeze=False)


def _show(axis, image):
    pixels = np.clip(np.asarray(image) / 255.0, 0, 1)
    smooth = "nearest" if len(pixels) < SMALL else "antialiased"
    axis.imshow(pixels, interpolation=smooth)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _name_row(axis, name):
    axis.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")


def _class_name(labels, label_names, index) -> str:
    if labels is None or label_names is None or labels[index] < 0:
        return ""
    return shorten(str(label_names[labels[index]]))


def _frame(axis, right):
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=2.5, color=GREEN if right else RED)


def _explain_frames(figure):
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
