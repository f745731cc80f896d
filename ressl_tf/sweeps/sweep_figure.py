"""The figure of a sweep: panels of accuracy, and one that shows collapses."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from ressl_tf.evaluate.plots.figure import BLUE, GREEN, GREY, ORANGE, RED, shorten
from ressl_tf.sweeps import sweep_curves
from ressl_tf.sweeps.one_run import COLLAPSED
from ressl_tf.sweeps.sweep_curves import Axis, Curve

# None is red: that marks collapses.
COLOURS = (BLUE, ORANGE, GREEN, "#8a4fbf", "#a8761a", "#c2407a", "#2f9c9c", "#222222")
MARKERS, STROKES = "osD^vPh*", ("-", "-.", ":")
PANELS = {  # key of a row -> title, factor
    "knn_top1": ("kNN top-1 (%)", 100),
    "knn_all_top1": ("kNN top-1 of all images (%)", 100),
    "linear_top1": ("linear top-1 (%)", 100),
    "embedding_spread": ("embedding_std * sqrt(dim)", 1),
}
UNTRAINED = {"color": GREY, "linestyle": "--"}
RING = {
    "color": RED,
    "marker": "o",
    "markersize": 12,
    "markerfacecolor": "none",
    "clip_on": False,
}

# In the legend; in a panel it has the curve's colour.
CROSS = {"color": GREY, "marker": "x", "markersize": 9, "markeredgewidth": 2.5}
NONE = {"linestyle": "none"}
CROSS_WIDTH = 12  # points
GROUP_WIDTH = 0.5  # of the distance of two names, for the curves at a name
MARGIN = 0.08  # of the length of an axis of numbers
MANY_LETTERS = 60  # from which the names below an axis are turned


def draw(rows: Sequence[sweep_curves.Row], title: str = "") -> Figure:
    """Draw a panel a metric, with a curve for each combination of the other flags.

    Several seeds are a curve of their mean, a band from the least to the most and a dot
    each. Dashed: before training. A ring: collapsed; a cross on the axis: failed.

    Args:
        rows: Rows of `one_run.row`.
        title: Title of the figure.
    """
    axis = sweep_curves.axis_of(rows)
    curves = sweep_curves.curves_of(rows, axis)
    keys = [key for key in PANELS if sweep_curves.values_of(rows, key)] or [
        "embedding_spread"
    ]
    figure = Figure((9, 0.9 + 2.7 * len(keys)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(len(keys), sharex=True, squeeze=False)[:, 0]
    _name_places(panels[-1], axis)
    for panel, key in zip(panels, keys, strict=True):
        _panel(panel, key, curves, axis)
    _legend(figure, rows, curves, axis)
    return figure


def _panel(panel: Axes, key: str, curves: dict[str, Curve], axis: Axis) -> None:
    panel.set_title(PANELS[key][0], fontsize=10, loc="left")
    panel.grid(alpha=0.3)
    for index, curve in enumerate(curves.values()):
        xs = _positions(axis, index, len(curves))
        style = _style(index, axis.numeric)
        _means(panel, key, xs, curve, style)
        _seeds(panel, key, xs, curve, style["color"])
        _rings(panel, key, xs, curve)
        _crosses(panel, xs, curve, CROSS_WIDTH * index, style["color"])
    if key == "knn_top1":
        _untrained(panel, curves, axis)
    if key == "embedding_spread":
        _uniform_and_collapsed(panel)


def _positions(axis: Axis, index: int, count: int) -> list[float]:
    """Return the positions of a curve's points; at a name, curves stand abreast."""
    offset = 0.0 if axis.numeric else GROUP_WIDTH * ((index + 0.5) / count - 0.5)
    return [place + offset for place in axis.places.values()]


def _style(index, joined=True) -> dict[str, Any]:
    stroke = STROKES[index // len(COLOURS) % len(STROKES)]
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": stroke if joined else "none",
    }


def _values(rows, key) -> list[float]:
    return [PANELS[key][1] * value for value in sweep_curves.values_of(rows, key)]


def _means(panel, key, xs, curve, style):
    """Draw the mean over seeds; where points are joined, a band from min to max."""
    mean = [PANELS[key][1] * value for value in sweep_curves.means(curve, key)]
    panel.plot(xs, mean, **style)
    if style["linestyle"] != "none":
        values = [_values(rows, key) for rows in curve]
        low, high = ([f(v) if v else math.nan for v in values] for f in (min, max))
        panel.fill_between(xs, low, high, color=style["color"], alpha=0.15, lw=0)


def _seeds(panel, key, xs, curve, colour):
    """Draw a dot for each of several seeds."""
    for x, rows in zip(xs, curve, strict=True):
        values = _values(rows, key)
        if len(values) > 1:
            panel.plot([x] * len(values), values, ".-", color=colour, lw=1, ms=4)


def _rings(panel, key, xs, curve):
    """Mark collapsed runs."""
    for x, rows in zip(xs, curve, strict=True):
        collapsed = [row for row in rows if row["status"] == "collapsed"]
        for value in _values(collapsed, key):
            panel.plot(x, value, **RING, **NONE)


def _crosses(panel, xs, curve, offset, colour):
    """Mark failed runs on the axis, as they have no value; `offset` in points."""
    for x, rows in zip(xs, curve, strict=True):
        if any(row["status"] == "failed" for row in rows):
            panel.annotate(
                "×",  # noqa: RUF001
                (x, 0),
                (offset, 0),
                xycoords=panel.get_xaxis_transform(),
                textcoords="offset points",
                color=colour,
                fontsize=20,
                fontweight="bold",
                ha="center",
                va="center",
            )


def _untrained(panel, curves, axis):
    """Draw accuracy before training: along a numeric axis, else at each name."""
    levels = sweep_curves.untrained(curves)
    for index, level in enumerate(levels.values()):
        colour = {"color": COLOURS[index % len(COLOURS)]} if len(levels) > 1 else {}
        style = {**UNTRAINED, **colour}
        heights = [100 * value for value in level]
        xs = _positions(axis, index, len(levels))
        if axis.numeric and len(xs) > 1:
            panel.plot(xs, heights, **style)
            continue
        half = 0.4 / len(levels)
        for x, height in zip(xs, heights, strict=True):
            panel.plot([x - half, x + half], [height, height], **style)


def _uniform_and_collapsed(panel):
    """Mark both ends of the spread, and name them beside the frame, off the curves."""
    panel.axhline(1, linestyle=":", color=GREY)
    panel.axhspan(0, COLLAPSED, color=RED, alpha=0.12, linewidth=0)
    beside = {"x": 1.005, "va": "center", "fontsize": 8, "color": GREY}
    beside["transform"] = panel.get_yaxis_transform()
    panel.text(y=1, s="uniform", **beside)
    panel.text(y=COLLAPSED / 2, s="collapsed", **beside)
    panel.set_ylim(0, 1.2)


def _name_places(panel, axis: Axis):
    if axis.logarithmic:
        panel.set_xscale("log")
    names = [shorten(text) for text in axis.places]
    turned = sum(map(len, names)) > MANY_LETTERS
    panel.set_xticks(list(axis.places.values()), names, rotation=30 if turned else 0)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlim(*_ends(axis))
    panel.set_xlabel(axis.flag)


def _ends(axis: Axis) -> tuple[float, float]:
    """Return the limits of the axis, with room for places without a value too."""
    low, high = min(axis.places.values()), max(axis.places.values())
    if axis.logarithmic:
        room = (high / low) ** MARGIN
        return low / room, high * room
    room = MARGIN * (high - low) if axis.numeric and high > low else 0.5
    return low - room, high + room


def _legend(figure, rows, curves, axis):
    """Draw the legend, beside the panels."""
    handles = [
        Line2D([], [], label=shorten(name, 40) or "trained", **_style(i, axis.numeric))
        for i, name in enumerate(curves)
    ]
    statuses = {row["status"] for row in rows}
    if sweep_curves.values_of(rows, "knn_top1_untrained"):
        handles.append(Line2D([], [], label="untrained", **UNTRAINED))
    if "collapsed" in statuses:
        handles.append(Line2D([], [], label="collapsed", **RING, **NONE))
    if "failed" in statuses:
        handles.append(Line2D([], [], label="failed", **CROSS, **NONE))
    several = any(len(seeds) > 1 for curve in curves.values() for seeds in curve)
    heading = ", ".join(sweep_curves.curve_flags(rows, axis))
    if several:
        heading += "\n" * bool(heading) + "(mean, min, max of seeds)"
    figure.legend(handles=handles, title=heading, loc="outside right upper", fontsize=9)
