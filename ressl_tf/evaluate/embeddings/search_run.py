"""What `python -m ressl_tf.search` does: find, print, draw."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from ressl_tf.config.search_config import SearchConfig
from ressl_tf.config.shown_rgb import places
from ressl_tf.evaluate import nearest_neighbors, plots
from ressl_tf.evaluate.embeddings import coverage, duplicates, outliers
from ressl_tf.evaluate.embeddings.approximate import ApproximateIndex
from ressl_tf.evaluate.embeddings.embedded import Embedded, decoding_of, read
from ressl_tf.evaluate.embeddings.found_sheet import COLUMNS, FoundRow, sheet
from ressl_tf.evaluate.embeddings.query_images import features_of
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.file_names import printable

log = logging.getLogger("ressl_tf")
NAME = 24  # letters of a path beside a row of the picture
Found = Iterator[dict[str, Any]]


def search(config: SearchConfig) -> Found:
    """Yield what is found, one dict a query, group or image, then a summary.

    Raises:
        UsageError: when index or queries cannot be used.
        RunError: when features are not finite.
    """
    index = read(config.index)
    _check(index)
    rgb = config.rgb or index.about.get("rgb", "")
    places(rgb, decoding_of(index).channels)
    drawn: list[FoundRow] = []
    summary = {"command": "search", "index": config.index, "images": len(index.paths)}
    for kind, find in KINDS.items():
        if getattr(config, kind):
            summary["kind"] = kind
            yield from find(config, index, drawn, summary)
    if config.output and drawn:
        title = f"{summary['kind']} among {len(index.paths):,} images"
        decoding = decoding_of(index)
        plots.save(sheet(drawn[: config.rows], title, decoding, rgb), config.output)
        summary["output"] = config.output
    yield summary


def _nearest(config: SearchConfig, index: Embedded, drawn, summary) -> Found:
    names, queries = features_of(config, index)
    graph = _graph(config, index, summary)
    find = graph.neighbours if graph else _exact(index)
    similarities, rows = find(queries, config.k)
    summary["queries"] = len(names)
    for name, values, found in zip(names, similarities, rows, strict=True):
        yield {
            "query": name,
            "nearest": [
                _entry(index, row, similarity=round(float(value), 6))
                for row, value in zip(found, values, strict=True)
            ],
        }
        notes = ["query", *(f"{value:.2f}" for value in values)]
        paths = [name, *index.paths[found].tolist()]
        drawn.append(FoundRow(_short(name), paths, notes))


def _duplicates(config: SearchConfig, index: Embedded, drawn, summary) -> Found:
    graph = _graph(config, index, summary)
    if graph is None:
        groups = duplicates.duplicate_groups(index.features, config.duplicates)
    else:
        pairs = _near_pairs(graph, config.k, config.duplicates)
        joined = duplicates.joined_rows(pairs, len(index.paths))
        groups = duplicates.groups(index.features, joined, config.duplicates)
    summary |= {
        "threshold": config.duplicates,
        "groups": len(groups),
        "in_groups": sum(map(len, groups)),
    }
    for rows in groups:
        values = duplicates.similarities_to_first(index.features, rows)
        yield {
            "group": len(rows),
            "images": [
                _entry(index, row, similarity=round(float(value), 6))
                for row, value in zip(rows, values, strict=True)
            ],
        }
        name, paths = f"{len(rows)} images", index.paths[rows[:COLUMNS]].tolist()
        notes = [index.class_name(row) or "" for row in rows[:COLUMNS]]
        drawn.append(FoundRow(name, paths, notes))


def _outliers(config: SearchConfig, index: Embedded, drawn, summary) -> Found:
    graph = _graph(config, index, summary)
    if graph is None:
        means = outliers.neighbour_similarity(index.features, config.k)
    else:
        found = graph.neighbours(index.features, config.k + 1)
        means = outliers.mean_of_others(*found, np.arange(len(index.paths)))
    rows = np.argsort(means, kind="stable")[: config.outliers]
    yield from _listed(index, rows, "mean_similarity", means[rows], drawn)


def _diverse(config: SearchConfig, index: Embedded, drawn, summary) -> Found:
    rows, covered = coverage.covering_rows(index.features, config.diverse)
    summary["lowest_similarity_to_chosen"] = round(float(covered[-1]), 6)
    yield from _listed(index, rows, "covers_at_least", covered, drawn)


KINDS = {
    "query": _nearest,
    "duplicates": _duplicates,
    "outliers": _outliers,
    "diverse": _diverse,
}


def _listed(index: Embedded, rows, key: str, values, drawn) -> Found:
    """Yield an entry a row, and draw them line by line."""
    for row, value in zip(rows, values, strict=True):
        yield _entry(index, row, **{key: round(float(value), 6)})
    for start in range(0, len(rows), COLUMNS):
        some = rows[start : start + COLUMNS]
        notes = [f"{value:.2f}" for value in values[start : start + COLUMNS]]
        drawn.append(FoundRow(f"{start + 1} on", index.paths[some].tolist(), notes))


def _entry(index: Embedded, row: int, **values: Any) -> dict[str, Any]:
    name = index.class_name(row)
    shown = {} if name is None else {"class": name}
    return {"path": str(index.paths[row]), "row": int(row), **shown, **values}


def _exact(index: Embedded):
    return lambda queries, k: nearest_neighbors.neighbours(index.features, queries, k)


def _graph(config: SearchConfig, index: Embedded, summary) -> ApproximateIndex | None:
    """Build the graph of approximate search and measure its recall; None if exact."""
    summary["method"] = "exact"
    if not config.is_approximate(len(index.paths)):
        return None
    graph = ApproximateIndex(index.features)
    recall = graph.recall(config.k)
    log.info("recall of the %d nearest against exact search: %.4f", config.k, recall)
    summary |= {"method": "approximate", "recall": round(recall, 4)}
    return graph


def _near_pairs(graph: ApproximateIndex, k: int, threshold: float):
    """Yield pairs of a row and one of its k nearest, at or above the threshold."""
    similarities, rows = graph.neighbours(graph.features, k + 1)
    owners = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    links = (similarities >= threshold) & (owners != rows)
    yield np.stack([owners[links], rows[links]], axis=1)


def _check(index: Embedded) -> None:
    """Refuse rows that nothing can be compared with."""
    if len(index.paths) < 2:
        raise UsageError("a search needs an index of two images or more. Received: 1")
    for start in range(0, len(index.features), outliers.BLOCK):
        block = np.asarray(index.features[start : start + outliers.BLOCK])
        if not np.isfinite(block).all():
            raise RunError("features of the index are not finite (NaN): embed it anew")


def _short(path: str) -> str:
    """Return the end of a path."""
    text = printable(path)
    return text if len(text) <= NAME else f"...{text[3 - NAME :]}"
