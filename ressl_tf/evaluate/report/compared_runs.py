"""Several runs on one page: differing flags, last figures, curves on one axis."""

import dataclasses
import json
import logging
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.report_config import ReportConfig
from ressl_tf.config.unused_flags import meant
from ressl_tf.engine.workdir import read_rows, untrained_knn
from ressl_tf.evaluate.report import logged_curves, page_file, verdict
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.file_names import printable
from ressl_tf.saving.pretrained import run_config

log = logging.getLogger("ressl_tf")
FIGURES = {  # of the last row that has it -> its heading, how it is written
    "knn_top1": ("kNN top-1", "{:.1%}"),
    "loss": ("loss (nats)", "{:.4g}"),
    "embedding_std": ("std of embeddings", "{:.3g}"),
    "teacher_entropy": ("teacher's entropy (nats)", "{:.3g}"),
    "images_per_second": ("images per second", "{:,.0f}"),
}


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """A run among others.

    Attributes:
        name: what tells it from the others.
        config: its flags.
        rows: of its log.
    """

    name: str
    config: Config
    rows: list[dict[str, Any]]

    def last(self, key: str) -> float | None:
        """Return the last number of the log under a key; None where there is none."""
        found = [row[key] for row in self.rows if row.get(key) is not None]
        return found[-1] if found else None

    @property
    def title(self) -> str:
        """The verdict in a few words."""
        return verdict.findings(self.rows, meant(vars(self.config)))[0].title


def runs_in(places: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    """Return the workdirs that these folders are, or as sweeps hold.

    Raises:
        UsageError: a sweep holds no run yet.
    """
    found: list[pathlib.Path] = []
    for place in places:
        if is_sweep(place):
            inner = sorted(path.parent for path in place.glob("*/config.json"))
            if not inner:
                raise UsageError(
                    f"--workdir={place} is a sweep without a run: run its command first"
                )
            found += inner
        else:
            found.append(place)
    return found


def is_sweep(place: pathlib.Path) -> bool:
    """Return whether a folder is that of `ressl_tf.sweep`."""
    return (place / "runs.jsonl").is_file() and not (place / "config.json").is_file()


def write(config: ReportConfig, places: Sequence[pathlib.Path]) -> dict[str, Any]:
    """Write a page that compares runs.

    Args:
        config: of the report.
        places: workdirs.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: one is no run, or the file cannot be written.
        RunError: a log or config is damaged.
    """
    page_file.check(config.path)
    names = _names(places)
    runs = [
        ComparedRun(name, run_config(place), read_rows(place))
        for name, place in zip(names, places, strict=True)
    ]
    page = {
        "title": f"{len(runs)} runs compared",
        "runs": [_row(run) for run in runs],
        "headings": [heading for heading, _ in FIGURES.values()],
        "flags": differing(runs),
        "spreads": spreads(runs),
        "charts": logged_curves.charts({run.name: run.rows for run in runs}),
        "images": None,
    }
    size = page_file.write(config.path, page, template="compare.html.j2")
    log.info("%s (%.1f MB)", config.path, size / 1e6)
    return {
        "report": str(config.path),
        "bytes": size,
        "workdirs": [str(place) for place in places],
        "verdicts": {run.name: run.title for run in runs},
    }


def differing(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str]]]:
    """Return the flags that the runs do not share, each with their values.

    A flag without a meaning for a run's method has the value "-".
    """
    known = [meant(vars(run.config)) for run in runs]
    rows = []
    for name in (field.name for field in dataclasses.fields(Config)):
        values = [flags.as_text(getattr(run.config, name)) for run in runs]
        if name != "workdir" and len(set(values)) > 1:
            pairs = zip(values, known, strict=True)
            rows.append((f"--{name}", [v if name in k else "-" for v, k in pairs]))
    return rows


def spreads(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Return mean and sample standard deviation over the runs that differ in the seed.

    Returns:
        For each group of two runs or more: "names", "seeds" and "figures", texts.
    """
    groups: dict[str, list[ComparedRun]] = {}
    for run in runs:
        values = {**flags.as_written(run.config), "seed": 0, "workdir": ""}
        groups.setdefault(json.dumps(values), []).append(run)
    return [
        {
            "names": ", ".join(run.name for run in group),
            "seeds": len({run.config.seed for run in group}),
            "figures": [_spread(group, key) for key in FIGURES],
        }
        for group in groups.values()
        if len({run.config.seed for run in group}) > 1
    ]


def _spread(group: Sequence[ComparedRun], key: str) -> str:
    found = [value for run in group if (value := run.last(key)) is not None]
    if len(found) < 2:
        return "-"
    write_number = FIGURES[key][1].format
    mean, spread = statistics.mean(found), statistics.stdev(found)
    return f"{write_number(mean)} ± {write_number(spread)} (n = {len(found)})"


def _row(run: ComparedRun) -> Mapping[str, Any]:
    last = run.rows[-1] if run.rows else {}
    floor = untrained_knn(run.rows)
    numbers = [
        (run.last(key), write_number) for key, (_, write_number) in FIGURES.items()
    ]
    return {
        "name": run.name,
        "verdict": run.title,
        "epochs": f"{last.get('epoch', 0):g} of {run.config.total_epochs:,}",
        "untrained": "-" if floor is None else f"{floor:.1%}",
        "figures": ["-" if v is None else text.format(v) for v, text in numbers],
    }


def _names(places: Sequence[pathlib.Path]) -> list[str]:
    """Return the last parts of the paths, or where two are the same all of each."""
    short = [printable(place.resolve().name) for place in places]
    if len(set(short)) == len(short):
        return short
    return [printable(str(place)) for place in places]
