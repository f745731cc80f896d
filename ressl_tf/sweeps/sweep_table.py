"""The rows of a sweep as Markdown: each run, and each combination over its seeds."""

import statistics
from collections.abc import Sequence
from typing import Any

from ressl_tf.config.evaluator_table import EVALUATORS
from ressl_tf.runtime.flags import as_text
from ressl_tf.runtime.markdown import table

PERCENT = "{:.1%}"
FIGURES = [evaluator.figure for evaluator in EVALUATORS.values()]
COLUMNS = {  # key of a row -> title, format of its values
    "loss": ("loss", "{:.3f}"),
    "knn_top1": ("knn_top1", PERCENT),
    "knn_top1_untrained": ("knn_top1_untrained", PERCENT),
    "embedding_spread": ("embedding_std * sqrt(dim)", "{:.2f}"),
    **{figure: (figure, PERCENT) for figure in FIGURES},
    "images_per_second": ("images/s", "{:.0f}"),
}
NOTE = (
    "`embedding_std * sqrt(dim)` is 1 when embeddings are uniform on the sphere, 0 "
    "when they have collapsed; below 0.1 a run counts as collapsed."
)
SEEDS_NOTE = "Mean over seeds, and their standard deviation where there are several:"


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table of runs and, where the seed was swept, mean and std over it."""
    paragraphs = [runs_table(rows), NOTE]
    if "seed" in rows[0]["flags"]:
        paragraphs += [SEEDS_NOTE, seeds_table(rows)]
    return "\n\n".join(paragraphs) + "\n"


def runs_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table with a line for each run."""
    columns = _columns(rows)
    titles = [*rows[0]["flags"], *(COLUMNS[key][0] for key in columns), "status"]
    lines = [
        [
            *map(as_text, row["flags"].values()),
            *(_cell(key, [row.get(key)]) for key in columns),
            _status(row),
        ]
        for row in rows
    ]
    return table(titles, lines)


def _status(row) -> str:
    same = f", trained as {row['same_as']}" if "same_as" in row else ""
    return row["status"] + same + (f": {row['error']}" if "error" in row else "")


def seeds_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table of mean and std over seeds, a line for each combination."""
    columns = _columns(rows)
    flags = [flag for flag in rows[0]["flags"] if flag != "seed"]
    titles = [*flags, "seeds", *(COLUMNS[key][0] for key in columns)]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        values = tuple(as_text(row["flags"][flag]) for flag in flags)
        groups.setdefault(values, []).append(row)
    lines = []
    for values, group in groups.items():
        finished = sum(row["status"] != "failed" for row in group)
        cells = [_cell(key, [row.get(key) for row in group]) for key in columns]
        lines.append([*values, f"{finished} of {len(group)}", *cells])
    return table(titles, lines)


def _columns(rows) -> list[str]:
    """Return all keys, without those of evaluations that were not made."""
    return [
        key for key in COLUMNS if key not in FIGURES or any(key in row for row in rows)
    ]


def _cell(key, values) -> str:
    """Format the mean of the values that are not None, and their std."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    form = COLUMNS[key][1]
    mean = form.format(statistics.fmean(numbers))
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {form.format(statistics.stdev(numbers))}"
