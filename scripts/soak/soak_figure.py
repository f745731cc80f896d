"""The figure of a soak: what was taken of the machine, over its minutes."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.evaluate import plots
from ressl_tf.evaluate.plots.figure import BLUE, GREY, RED

PANELS = {
    "memory_mb": "resident memory (MB)",
    "open_files": "open files",
    "threads": "threads",
    "images_per_second": "images per second",
    "disk_mb": "workdir (MB)",
    "epoch": "epoch",
}
Row = Mapping[str, Any]


def write(rows: Sequence[Row], path: pathlib.Path, title: str) -> None:
    """Draw a panel for each quantity; a line a process, its kill a mark below."""
    figure = Figure((10.2, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    for axis, (name, words) in zip(
        figure.subplots(2, 3).ravel(), PANELS.items(), strict=True
    ):
        _panel(axis, rows, name)
        axis.set_title(words, fontsize=10)
    plots.save(figure, path)


def _panel(axis: Axes, rows: Sequence[Row], name: str) -> None:
    for process in sorted({row["process"] for row in rows}):
        own = [r for r in rows if r["process"] == process and r.get(name) is not None]
        axis.plot(*_over_minutes(own, name), color=BLUE, linewidth=0.8)
    for signal, color in (("SIGTERM", GREY), ("SIGKILL", RED)):
        at = [row["minutes"] for row in rows if row.get("killed") == signal]
        axis.plot(at, [0] * len(at), "|", color=color, label=signal)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("minutes", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    if name == "memory_mb":
        axis.legend(fontsize=8, loc="lower right")


def _over_minutes(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    return [row["minutes"] for row in rows], [row[name] for row in rows]
