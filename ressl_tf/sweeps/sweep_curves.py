"""Arrange the rows of a sweep as curves over one of its flags."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from ressl_tf.runtime.flags import as_text

LOG_RATIO = 10  # of the largest value to the least, from which an axis is logarithmic
SAME = 0.02  # accuracies of untrained networks that differ less are taken for one

Row = dict[str, Any]  # of `one_run.row`
Curve = list[list[Row]]  # for each place of the axis its rows, one a seed


@dataclasses.dataclass(frozen=True)
class Axis:
    """The horizontal axis: a flag and its values.

    Attributes:
        flag: The first numeric one of the grid, else its first; the seed only when
            there is no other.
        places: A value as text -> its position: the number, or 0, 1, ... for names.
        numeric: Whether values are numbers.
    """

    flag: str
    places: dict[str, float]
    numeric: bool

    @property
    def logarithmic(self) -> bool:
        """Whether the axis is logarithmic: of positive numbers over a wide range."""
        low, high = min(self.places.values()), max(self.places.values())
        return self.numeric and low > 0 and high / low >= LOG_RATIO


def axis_of(rows: Sequence[Row]) -> Axis:
    """Return the axis for these rows."""
    values = {
        flag: {as_text(row["flags"][flag]): row["flags"][flag] for row in rows}
        for flag in rows[0]["flags"]
    }
    numeric = [f for f, found in values.items() if all(map(_is_number, found.values()))]
    by_choice = [
        *(f for f in numeric if f != "seed" and len(values[f]) > 1),
        *(f for f in values if f != "seed"),
        "seed",
    ]
    flag = by_choice[0]
    if flag in numeric:
        places = dict(sorted(values[flag].items(), key=lambda item: item[1]))
    else:
        places = {text: float(place) for place, text in enumerate(values[flag])}
    return Axis(flag, places, flag in numeric)


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def curves_of(rows: Sequence[Row], axis: Axis) -> dict[str, Curve]:
    """Group the rows into curves.

    Returns:
        Name -> curve. A name consists of the values of all flags but the axis's and the
        seed.
    """
    curves: dict[str, Curve] = {}
    places = {text: index for index, text in enumerate(axis.places)}
    for row in rows:
        values = (as_text(row["flags"][flag]) for flag in curve_flags(rows, axis))
        curve = curves.setdefault(", ".join(values), [[] for _ in places])
        curve[places[as_text(row["flags"][axis.flag])]].append(row)
    return curves


def curve_flags(rows: Sequence[Row], axis: Axis) -> list[str]:
    """Return the flags that distinguish the curves."""
    return [flag for flag in rows[0]["flags"] if flag not in (axis.flag, "seed")]


def values_of(rows: Sequence[Row], key: str) -> list[float]:
    """Return the values of the rows that have one."""
    return [row[key] for row in rows if row.get(key) is not None]


def means(curve: Sequence[Sequence[Row]], key: str) -> list[float]:
    """Return the mean over seeds at each place; NaN where there is no value."""
    return [
        statistics.fmean(values) if (values := values_of(rows, key)) else math.nan
        for rows in curve
    ]


def untrained(curves: dict[str, Curve]) -> dict[str, list[float]]:
    """Return name -> kNN top-1 before training at each place.

    There is one entry without a name if all curves agree. The seed determines the first
    weights; a method with heads of its own may draw others.
    """
    levels = {name: means(c, "knn_top1_untrained") for name, c in curves.items()}
    at_places = [
        [level for level in place if not math.isnan(level)]
        for place in zip(*levels.values(), strict=True)
    ]
    if any(found and max(found) - min(found) > SAME for found in at_places):
        return levels
    return {"": [statistics.fmean(f) if f else math.nan for f in at_places]}
