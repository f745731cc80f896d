"""Curves of a run's log over epochs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.engine.workdir import untrained_knn
from ressl_tf.evaluate.plots.figure import BLUE, GREY, ORANGE, TITLE

PANELS = {  # title -> key of the log -> its name in the legend
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
FROM_ZERO = {"images_per_second", "input_wait"}  # else noise would fill the panel


def curves(
    rows: Sequence[Mapping[str, Any]],
    levels: Mapping[str, tuple[float, str]] | None = None,
    title: str = "",
) -> Figure:
    """Draw each number of the log over epochs; related ones share a panel.

    Args:
        rows: Rows of `metrics.jsonl`; at least one holds a number besides epoch and
            step.
        levels: Key of the log -> a value to compare it with, and its name; drawn as a
            dashed line.
        title: Title of the figure.
    """
    levels = {**untrained_level(rows), **(levels or {})}
    panels = panels_of(rows)
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    size = (3.4 * columns, 2.6 * lines + TITLE * bool(title))
    figure = Figure(size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, (name, keys) in zip(grid, panels.items(), strict=False):
        _panel(axis, rows, keys, levels)
        axis.set_title(name, fontsize=10)
        if keys.keys() & FROM_ZERO:
            axis.set_ylim(bottom=0)
    for axis in grid[len(panels) :]:
        axis.remove()
    return figure


def untrained_level(
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[float, str]]:
    """Return the kNN accuracy before the first step as a value to compare with."""
    floor = untrained_knn(rows)
    return {} if floor is None else {"knn_top1": (floor, "untrained")}


def panels_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return title -> key -> name of what the rows hold, those of `PANELS` first."""
    found = {
        key: None  # a set that keeps its order
        for row in rows
        for key, value in row.items()
        if isinstance(value, int | float) and key not in ("epoch", "step")
    }
    listed = {
        title: {key: name for key, name in keys.items() if key in found}
        for title, keys in PANELS.items()
    }
    named = {key for keys in PANELS.values() for key in keys}
    others = {key.replace("_", " "): {key: ""} for key in found if key not in named}
    return {title: keys for title, keys in {**listed, **others}.items() if keys}


def _panel(axis: Axes, rows, keys: Mapping[str, str], levels) -> None:
    for (key, name), colour in zip(keys.items(), (BLUE, ORANGE), strict=False):
        points = [(row["epoch"], row[key]) for row in rows if key in row]
        axis.plot(*zip(*points, strict=True), marker=".", color=colour, label=name)
    epochs = [row["epoch"] for row in rows]
    references = [levels[key] for key in keys if key in levels]
    for value, meaning in references:
        axis.plot(epochs, [value] * len(epochs), "--", color=GREY, label=meaning)
    axis.set_xlabel("epoch")
    axis.grid(alpha=0.3)
    if references or len(keys) > 1:
        axis.margins(y=0.5)  # room for the legend
        axis.legend(fontsize=8)
