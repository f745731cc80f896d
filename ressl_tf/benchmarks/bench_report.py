"""Measure the parts that are asked for; report a dict, and tables for people."""

import importlib
import logging
from collections.abc import Mapping
from typing import Any

from ressl_tf.benchmarks import remote
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime import machine, markdown

log = logging.getLogger("ressl_tf")
MODULES = {  # part of --part -> module that measures it
    "views": "view_speed",
    "pipeline": "fit_speed",
    "step": "step_speed",
    "loss": "loss_speed",
    "queue": "queue_speed",
    "embed": "embed_speed",
    "growth": "scaling",
}


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure each part.

    Returns:
        Part -> its figures, and "machine" -> where they are measured.

    Raises:
        UsageError: The data, the network or the peers of the config cannot be used.
        RunError: A peer fails.
    """
    remote.check_peers(config.peers)
    line = {"machine": machine.describe()}
    log.info("%s", table("machine", line["machine"]))
    for part in config.parts:
        module = importlib.import_module(f"ressl_tf.benchmarks.{MODULES[part]}")
        line[part] = module.measure(config)
        log.info("\n%s", table(part, line[part]))
    return line


def table(part: str, figures: Mapping[str, Any]) -> str:
    """Return a table in Markdown, a row for each figure or dict of figures.

    Deeper dicts become several tables.
    """
    if _depth(figures) > 2:
        tables = [table(f"{part}: {name}", inner) for name, inner in figures.items()]
        return "\n\n".join(tables)
    if _depth(figures) < 2:
        rows = [[name, _shown(value)] for name, value in figures.items()]
        return markdown.table([part, ""], rows)
    columns = list(dict.fromkeys(key for row in figures.values() for key in row))
    rows = [
        [name, *(_shown(row.get(column)) for column in columns)]
        for name, row in figures.items()
    ]
    return markdown.table([part, *columns], rows)


def _depth(value) -> int:
    """Return how deep dicts lie in dicts, at the least."""
    if not isinstance(value, Mapping):
        return 0
    return 1 + min(map(_depth, value.values()), default=0)


def _shown(value) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
