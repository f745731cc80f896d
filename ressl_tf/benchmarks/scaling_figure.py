"""Curves of `growth`: how the time of a step grows, and that of its floor."""

from collections.abc import Mapping

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
STEP = {"color": BLUE, "marker": "o", "label": "step"}
FLOOR = {"color": GREY, "marker": ".", "linestyle": "--"}
FLOOR["label"] = "floor: forward and backward passes"


def draw(
    growth: Mapping[str, Mapping[str, Mapping[str, float]]], title: str = ""
) -> Figure:
    """A panel a quantity, all on one scale: doubled is as high everywhere.

    Both axes are logarithmic, so that a straight line is a power; the band is the
    spread of the step.

    Args:
        growth: quantity -> value -> figures, of `growth.measure`.
        title: above them.
    """
    figure = Figure((9, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    cells = figure.subplots(LINES, COLUMNS, sharey=True).ravel()
    for cell, (quantity, figures) in zip(cells, growth.items(), strict=False):
        _panel(cell, quantity, figures)
    for row in range(LINES):
        cells[row * COLUMNS].set_ylabel("milliseconds")
    for cell in cells[len(growth) :]:
        cell.axis("off")
    handles, labels = cells[0].get_legend_handles_labels()
    cells[-1].legend(handles[::-1], labels[::-1], loc="center", fontsize=9)
    return figure


def _panel(cell: Axes, quantity, figures):
    values = [int(value) for value in figures]
    points = list(figures.values())
    step = [point["milliseconds"] for point in points]
    spread = [point["spread"] for point in points]
    low, high = (
        [ms * (1 + sign * share) for ms, share in zip(step, spread, strict=True)]
        for sign in (-1, 1)
    )
    cell.fill_between(values, low, high, color=BLUE, alpha=0.15, linewidth=0)
    cell.plot(values, [point["floor_milliseconds"] for point in points], **FLOOR)
    cell.plot(values, step, **STEP)
    cell.set_xscale("log", base=2)
    cell.set_xticks(values, [f"{value:,}" for value in values])
    cell.tick_params(labelsize=8)
    cell.xaxis.set_minor_locator(NullLocator())
    cell.set_yscale("log")
    cell.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    cell.yaxis.set_minor_locator(NullLocator())
    cell.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    cell.set_title(NAMES[quantity], fontsize=10)
    cell.grid(alpha=0.3)
