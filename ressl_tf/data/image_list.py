"""Photos that a text file, a CSV or a Parquet file lists: path, label, split."""

import csv
import importlib
import io
import logging
import os
from collections.abc import Sequence

import numpy as np

from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.label_columns import LABELS, several_labels
from ressl_tf.data.multi_label import MultiLabels
from ressl_tf.data.sources import NO_LABEL
from ressl_tf.data.splits import split_of
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
COLUMNS = ("path", "label", "split")
Rows = dict[str, list[str]]  # column -> values; "path" is always there


class ImageList(ImageFiles):
    """Encoded images in the order of the list; no file is looked up before it is read.

    Classes are the labels of all splits, in order: numbers by value, others as texts.
    An empty label is none. `multi_labels` reads several of an image.

    Args:
        path: of the list. `.csv`, `.tsv` and `.parquet` have a column path, and may
            have label and split; any other is a text file with a path a line. Paths
            that are relative begin at its folder.
        split: "train", or a value of the column split, by its words of `data.splits`.
        skip_unlisted: without meaning here.
        labels: "none" leaves the column label unread.

    Raises:
        UsageError: the list cannot be read, or has no such column or split.
    """

    def __init__(
        self, path: str, split: str, skip_unlisted: bool = False, labels: str = "auto"
    ):
        self.name = f"list:{path}"
        self._path, self._labelled = path, labels != "none"
        rows = _read(path, COLUMNS)
        chosen = self._chosen = _of_split(rows, split, self.name)
        folder = os.path.dirname(storage.absolute(path))
        self.paths = [storage.join(folder, rows["path"][row]) for row in chosen]
        given = [] if labels == "none" else rows.get("label", [])
        self.label_names = sorted_classes(given)
        self.labels = np.full(len(chosen), NO_LABEL, np.int32)
        if self.label_names:
            place = {name: number for number, name in enumerate(self.label_names)}
            self.labels[:] = [place.get(given[row], NO_LABEL) for row in chosen]
        elif labels == "folders":
            raise UsageError(
                f"{self.name} has no labels, and labels=folders demands them: add a "
                "column label"
            )
        count = len(self.label_names or ())
        log.info("%s: %d images, %d classes", self.name, len(chosen), count)
        self._hold()

    def multi_labels(self) -> MultiLabels | None:
        """Read the columns of several labels; without them the column `label`."""
        if not self._labelled:
            return None
        found = several_labels(_read(self._path, None))
        return found.take(self._chosen) if found else super().multi_labels()


def _read(path: str, columns: Sequence[str] | None) -> Rows:
    """Read those of the columns that are there; None for all."""
    readers = {".parquet": _parquet, **dict.fromkeys(DELIMITERS, _csv)}
    try:
        rows = readers.get(_ending(path), _text)(path, columns)
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UsageError(f"cannot read the list {path}: {reason}") from None
    empty = [n for n, text in enumerate(rows["path"], 1) if not text or "\0" in text]
    if empty or not rows["path"]:
        what = f"no path in row {empty[0]}" if empty else "no rows"
        raise UsageError(f"the list {path} has {what}")
    return rows


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _text(path: str, columns: Sequence[str] | None) -> Rows:
    lines = storage.read_bytes(path).decode("utf-8", "surrogateescape").split("\n")
    return {"path": [line.rstrip("\r") for line in lines if line.strip()]}


def _csv(path: str, columns: Sequence[str] | None) -> Rows:
    text = storage.read_bytes(path).decode("utf-8-sig", "surrogateescape")
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=DELIMITERS[_ending(path)]
    )
    head = next(lines, [])
    names = _checked([_column(name) for name in head], path)
    table = [line for line in lines if line]
    for number, line in enumerate(table, 2):
        if len(line) != len(head):
            raise ValueError(
                f"row {number} has {len(line)} values, the first {len(head)}"
            )
    found = _known(names, columns)
    return {n: [line[names.index(n)].strip() for line in table] for n in found}


def _parquet(path: str, columns: Sequence[str] | None) -> Rows:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            f"{path} needs pyarrow: pip install 'ressl_tf[parquet]'"
        ) from None
    file = parquet.ParquetFile(io.BytesIO(storage.read_bytes(path)))
    found = _known(_checked(file.schema_arrow.names, path), columns)
    table = file.read(columns=found)
    values = {name: table.column(name).to_pylist() for name in found}
    return {name: [*map(_written, column)] for name, column in values.items()}


def _written(value: object) -> str:
    """Return a value as a CSV would have it."""
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)


def _checked(names: Sequence[str], path: str) -> Sequence[str]:
    if "path" not in names:
        raise UsageError(
            f"the list {path} needs a column path, and may have label and split. "
            f"Received: {', '.join(map(repr, names)) or 'nothing'}"
        )
    return names


def _column(written: str) -> str:
    """Return a column's name: those known here may be written in any letter case."""
    name = written.strip()
    return name.lower() if name.lower() in (*COLUMNS, LABELS) else name


def _known(names: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    return [name for name in columns or names if name in names]


def _of_split(rows: Rows, split: str, name: str) -> np.ndarray:
    """Return the rows of a split; all are "train" without that column."""
    if "split" not in rows:
        if split == "train":
            return np.arange(len(rows["path"]))
        raise UsageError(
            f"{name} has no column split, so that its only split is 'train'. "
            f"Received: {split!r}"
        )
    words = np.array(rows["split"])
    wanted = split_of(split)
    chosen = [
        word
        for word in np.unique(words).tolist()
        if word == split or (wanted and split_of(word) == wanted)
    ]
    if not chosen:
        there = ", ".join(sorted(set(rows["split"])))
        raise UsageError(f"{name} has the splits {there}. Received: {split!r}")
    return np.flatnonzero(np.isin(words, chosen))


def sorted_classes(labels: Sequence[str]) -> tuple[str, ...] | None:
    """Sort the classes: numbers by their value."""
    names = sorted({label for label in labels if label})
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return tuple(names) or None
