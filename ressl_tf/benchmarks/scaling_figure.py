"""The figure of the scaling benchmark: time of a step, and of its lower bound."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ressl_tf.evaluate.plots.figure import BLUE, GREY

COLUMNS, LINES = 3, 2  # one place is the legend's
NAMES = {
    "batch_size": "images a batch",
    "image_size": "side of the views (px)",
    "queue_size": "keys in the queue, K",
    "embedding_dim": "length of an embedding, d",
    "replicas": "devices that share the batch",
}
STEP: dict[str, Any] = {"color": BLUE, "marker": "o", "label": "step"}
LOWER_BOUND: dict[str, Any] = {
    "color": GREY,
    "marker": ".",
    "linestyle": "--",
    "label": "lower bound: forward and backward passes",
}


def draw(
    scaling: Mapping[str, Mapping[str, Mapping[str, float]]], title: str = ""
) -> Figure:
    """Draw a panel a quantity, all with the same vertical scale.

    Both axes are logarithmic, so that a straight line is a power. The band is the
    spread of the step.

    Args:
        scaling: Quantity -> value -> figures, of `scaling.measure`.
        title: Title of the figure.
    """
    figure = Figure((9, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    cells = figure.subplots(LINES, COLUMNS, sharey=True).ravel()
    for cell, (quantity, figures) in zip(cells, scaling.items(), strict=False):
        _panel(cell, quantity, figures)
    for row in range(LINES):
        cells[row * COLUMNS].set_ylabel("milliseconds")
    for cell in cells[len(scaling) :]:
        cell.axis("off")
    handles, labels = cells[0].get_legend_handles_labels()
    cells[-1].legend(handles[::-1], labels[::-1], loc="center", fontsize=9)
    return figure


def _panel(cell: Axes, quantity, figures):
    values = [int(value) for value in figures]
    points = list(figures.values())
    low, high = (
        [point["milliseconds"] * (1 + sign * point["spread"]) for point in points]
        for sign in (-1, 1)
    )
    cell.fill_between(values, low, high, color=BLUE, alpha=0.15, linewidth=0)
    cell.plot(values, [point["floor_milliseconds"] for point in points], **LOWER_BOUND)
    cell.plot(values, [point["milliseconds"] for point in points], **STEP)
    cell.set_title(NAMES[quantity], fontsize=10)
    cell.grid(alpha=0.3)
    _scales(cell, values)


def _scales(cell: Axes, values: list[int]) -> None:
    """Make both axes logarithmic, with ticks at the values."""
    cell.set_xscale("log", base=2)
    cell.set_xticks(values, [f"{value:,}" for value in values])
    cell.tick_params(labelsize=8)
    cell.xaxis.set_minor_locator(NullLocator())
    cell.set_yscale("log")
    cell.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    cell.yaxis.set_minor_locator(NullLocator())
    cell.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
