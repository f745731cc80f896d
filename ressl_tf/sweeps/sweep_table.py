"""The rows of a sweep as Markdown: each run, and each combination over its seeds."""

import statistics
from collections.abc import Sequence
from typing import Any

from ressl_tf.runtime.flags import as_text

PERCENT = "{:.1%}"
COLUMNS = {  # key of a row -> title, how a value is written
    "loss": ("loss", "{:.3f}"),
    "knn_top1": ("knn_top1", PERCENT),
    "knn_top1_untrained": ("knn_top1_untrained", PERCENT),
    "embedding_spread": ("embedding_std * sqrt(dim)", "{:.2f}"),
    "knn_all_top1": ("knn_all_top1", PERCENT),
    "linear_top1": ("linear_top1", PERCENT),
    "images_per_second": ("images/s", "{:.0f}"),
}
OF_JUDGES = ("knn_all_top1", "linear_top1")
NOTE = (
    "`embedding_std * sqrt(dim)` is 1 when embeddings are spread evenly, 0 when they "
    "have collapsed; below 0.1 a run counts as collapsed."
)
SEEDS_NOTE = "Mean over seeds, and their standard deviation where there are several:"


def page(rows: Sequence[dict[str, Any]]) -> str:
    """The table of runs and, where the seed was swept, that of its mean and spread."""
    parts = [runs_table(rows), NOTE]
    if "seed" in rows[0]["flags"]:
        parts += [SEEDS_NOTE, seeds_table(rows)]
    return "\n\n".join(parts) + "\n"


def runs_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each run."""
    columns = _columns(rows)
    titles = [*rows[0]["flags"], *(COLUMNS[key][0] for key in columns), "status"]
    lines = [
        [
            *map(as_text, row["flags"].values()),
            *(_cell(key, [row.get(key)]) for key in columns),
            ": ".join([row["status"], *([row["error"]] if "error" in row else [])]),
        ]
        for row in rows
    ]
    return markdown(titles, lines)


def seeds_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each combination of the other flags: mean and spread over seeds."""
    columns = _columns(rows)
    others = [flag for flag in rows[0]["flags"] if flag != "seed"]
    titles = [*others, "seeds", *(COLUMNS[key][0] for key in columns)]
    groups = {}
    for row in rows:
        values = tuple(as_text(row["flags"][flag]) for flag in others)
        groups.setdefault(values, []).append(row)
    lines = []
    for values, group in groups.items():
        finished = sum(row["status"] != "failed" for row in group)
        cells = [_cell(key, [row.get(key) for row in group]) for key in columns]
        lines.append([*values, f"{finished} of {len(group)}", *cells])
    return markdown(titles, lines)


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table whose columns are aligned in the source too."""
    cells = [[cell.replace("|", "\\|") for cell in line] for line in [titles, *lines]]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in [cells[0], ["-" * width for width in widths], *cells[1:]]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _columns(rows) -> list[str]:
    """All keys, without those of judges that were not asked."""
    return [
        key
        for key in COLUMNS
        if key not in OF_JUDGES or any(key in row for row in rows)
    ]


def _cell(key, values) -> str:
    """The mean of the values that are there, and their spread."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    form = COLUMNS[key][1]
    mean = form.format(statistics.fmean(known))
    if len(known) == 1:
        return mean
    return f"{mean} ± {form.format(statistics.stdev(known))}"
