"""The numbers of `metrics.jsonl` as charts that a page can draw."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ressl_tf.evaluate.plots.curves import FROM_ZERO, panels_of, untrained_level
from ressl_tf.evaluate.plots.pictures import reference_levels

TITLES = {"input wait": "input wait (share of the time)"}


def charts(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return a chart for each panel of numbers, the epochs of all runs aligned.

    Args:
        runs: name -> rows of `metrics.jsonl`.

    Returns:
        Charts with "title", "epochs" and "series": each has a "name", "key" and
        "values", with None where a run has no number at an epoch; "levels" to
        compare with; and whether the axis begins "from_zero".
    """
    made = []
    all_rows = itertools.chain.from_iterable(runs.values())
    for title, keys in panels_of(all_rows).items():
        series = [
            {"run": run, "key": key, "name": _name(run, name, len(runs)), "rows": rows}
            for run, rows in runs.items()
            for key, name in keys.items()
            if any(_number(row.get(key)) for row in rows)
        ]
        if series:
            made.append(_aligned(title, series))
    return made


def with_levels(
    made: list[dict[str, Any]], workdir: pathlib.Path, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Add what the numbers are compared with: uniform values, the untrained kNN."""
    levels = {**untrained_level(rows), **reference_levels(workdir / "config.json")}
    for chart in made:
        keys = [series["key"] for series in chart["series"]]
        found = [levels[key] for key in dict.fromkeys(keys) if key in levels]
        chart["levels"] = [{"value": value, "name": name} for value, name in found]
    return made


def _name(run: str, name: str, runs: int) -> str:
    return " ".join(part for part in (run if runs > 1 else "", name) if part)


def _aligned(title: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    epochs = sorted({row["epoch"] for one in series for row in one["rows"]})
    place = {epoch: index for index, epoch in enumerate(epochs)}
    for one in series:
        one["values"] = [None] * len(epochs)
        for row in one.pop("rows"):
            value = row.get(one["key"])
            one["values"][place[row["epoch"]]] = value if _number(value) else None
    from_zero = any(one["key"] in FROM_ZERO for one in series)
    title = TITLES.get(title, title)
    return {
        "title": title,
        "epochs": epochs,
        "series": series,
        "levels": [],
        "from_zero": from_zero,
    }


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
