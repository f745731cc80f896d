"""What the log of a soak says: growth of memory, speed, kills."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]
APART = 0.5  # of a process's epochs, between two samples that are compared
MOST = 300  # samples of a process that are compared


def summary(rows: Sequence[Row], warm_up: float) -> dict[str, Any]:
    """Return the figures of a log.

    Args:
        rows: samples and kills, of all processes.
        warm_up: epochs at the start of each process that are not looked at.
    """
    samples = [row for row in rows if "memory_mb" in row]
    warm = warm_samples(samples, warm_up)
    kills = collections.Counter(row["killed"] for row in rows if "killed" in row)
    return {
        "minutes": round(max((row["minutes"] for row in rows), default=0), 1),
        "processes": len({row["process"] for row in rows}),
        "kills": sum(kills.values()),
        **dict(sorted(kills.items())),
        "epochs": max((row["epoch"] for row in samples), default=0),
        "epochs_after_warm_up": round(sum(_span(own) for own in warm)),
        "longest_process_epochs": max((_span(own) for own in warm), default=0),
        "memory_mb_per_100_epochs": _rounded(growth(warm, "memory_mb"), 100),
        "memory_mb_peak": _rounded(max(_values(samples, "memory_mb"), default=None)),
        "open_files_per_100_epochs": _rounded(growth(warm, "open_files"), 100),
        "threads_per_100_epochs": _rounded(growth(warm, "threads"), 100),
        "disk_kb_per_epoch": disk_per_epoch(samples),
        **speeds(samples),
    }


def warm_samples(samples: Iterable[Row], warm_up: float) -> list[list[Row]]:
    """Return samples of each process, `warm_up` epochs after its first and later.

    Of an epoch it is the first one: behind the last epoch come pictures and a report.
    """
    processes: dict[int, list[Row]] = {}
    for row in samples:
        processes.setdefault(row["process"], []).append(row)
    later = (
        [row for row in _firsts(own) if row["epoch"] >= own[0]["epoch"] + warm_up]
        for own in processes.values()
    )
    return [own for own in later if _span(own) > 0]


def _firsts(own: Sequence[Row]) -> list[Row]:
    firsts: dict[float, Row] = {}
    for row in own:
        firsts.setdefault(row["epoch"], row)
    return list(firsts.values())


def growth(processes: Iterable[Sequence[Row]], name: str) -> float | None:
    """Return by how much a quantity grows in an epoch; None where nothing tells.

    It is the median of the slopes between samples of one process at least half of its
    epochs apart (Theil and Sen, pooled over processes): peaks do not move it, and
    steps that are rare do.
    """
    slopes = [_slopes(*_thinned(own, name)) for own in processes]
    pooled = np.concatenate([[], *slopes])
    return float(np.median(pooled)) if len(pooled) else None


def _thinned(own: Sequence[Row], name: str) -> tuple[np.ndarray, np.ndarray]:
    own = [own[i] for i in np.linspace(0, len(own) - 1, min(MOST, len(own)), dtype=int)]
    return np.array(_values(own, "epoch")), np.array(_values(own, name))


def _slopes(epochs: np.ndarray, values: np.ndarray) -> np.ndarray:
    later = epochs[None] - epochs[:, None]
    pairs = np.nonzero((later >= APART * np.ptp(epochs)) & (later > 0))
    return (values[pairs[1]] - values[pairs[0]]) / later[pairs]


def speeds(samples: Sequence[Row]) -> dict[str, float | None]:
    """Return the median images/s of the first and of the last third of the time."""
    third = len(samples) // 3
    parts = {"first": samples[:third], "last": samples[len(samples) - third :]}
    medians = {
        part: [v for v in _values(rows, "images_per_second") if v is not None]
        for part, rows in parts.items()
    }
    return {
        f"images_per_second_{part}_third": _rounded(np.median(v)) if v else None
        for part, v in medians.items()
    }


def disk_per_epoch(samples: Sequence[Row]) -> float | None:
    """Return the KB that an epoch adds to the folder, over the later half."""
    half = samples[len(samples) // 2 :]
    return _rounded(growth([half], "disk_mb"), 1024) if half else None


def _values(rows: Iterable[Row], name: str) -> list[Any]:
    return [row.get(name) for row in rows]


def _span(own: Sequence[Row]) -> float:
    return own[-1]["epoch"] - own[0]["epoch"] if own else 0


def _rounded(value: float | None, factor: float = 1) -> float | None:
    return None if value is None else round(float(value) * factor, 3)
