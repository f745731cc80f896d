"""The rows of a sweep as curves over one of its flags."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from ressl_tf.runtime.flags import as_text

LOG_RATIO = 10  # of the largest value to the least, from which an axis is logarithmic
SAME = 0.02  # accuracies of untrained networks that differ less are taken for one


@dataclasses.dataclass(frozen=True)
class Axis:
    """The flag that is drawn over.

    Attributes:
        flag: the first numeric one of the grid, else its first; the seed only when
            there is no other.
        places: a value as text -> where it is: at itself, or 0, 1, ... for names.
        numeric: whether values are numbers.
    """

    flag: str
    places: dict[str, float]
    numeric: bool

    @property
    def logarithmic(self) -> bool:
        low, high = min(self.places.values()), max(self.places.values())
        return self.numeric and low > 0 and high / low >= LOG_RATIO


def axis_of(rows: Sequence[dict[str, Any]]) -> Axis:
    """The axis for these rows of `runs.row`."""
    values = {
        flag: {as_text(row["flags"][flag]): row["flags"][flag] for row in rows}
        for flag in rows[0]["flags"]
    }
    numeric = [f for f, held in values.items() if all(map(_is_number, held.values()))]
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


def curves_of(
    rows: Sequence[dict[str, Any]], axis: Axis
) -> dict[str, list[list[dict[str, Any]]]]:
    """Name -> for each place of the axis the rows there, one a seed.

    A name is made of the values of all flags but the axis's and the seed.
    """
    curves = {}
    places = {text: index for index, text in enumerate(axis.places)}
    for row in rows:
        values = (as_text(row["flags"][flag]) for flag in others(rows, axis))
        curve = curves.setdefault(", ".join(values), [[] for _ in places])
        curve[places[as_text(row["flags"][axis.flag])]].append(row)
    return curves


def others(rows: Sequence[dict[str, Any]], axis: Axis) -> list[str]:
    """The flags that tell one curve from another."""
    return [flag for flag in rows[0]["flags"] if flag not in (axis.flag, "seed")]


def known(rows: Sequence[dict[str, Any]], key: str) -> list[float]:
    """The values that are there."""
    return [row[key] for row in rows if row.get(key) is not None]


def means(curve: Sequence[Sequence[dict[str, Any]]], key: str) -> list[float]:
    """The mean over seeds at each place; NaN where there is none."""
    return [
        statistics.fmean(values) if (values := known(rows, key)) else math.nan
        for rows in curve
    ]


def untrained(
    curves: dict[str, list[list[dict[str, Any]]]],
) -> dict[str, list[float]]:
    """Name -> kNN top-1 before training at each place; one, of no name, if all agree.

    The seed says how the weights begin; a method's own heads may change the draw.
    """
    levels = {name: means(c, "knn_top1_untrained") for name, c in curves.items()}
    at_places = [
        [level for level in place if not math.isnan(level)]
        for place in zip(*levels.values(), strict=True)
    ]
    if any(found and max(found) - min(found) > SAME for found in at_places):
        return levels
    return {"": [statistics.fmean(f) if f else math.nan for f in at_places]}
