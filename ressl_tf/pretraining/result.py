"""What a command did, as its Python call returns it."""

import functools
import importlib
import pathlib
from typing import Any

from ressl_tf.config.method_table import KINDS, METHODS
from ressl_tf.engine.workdir import read_rows
from ressl_tf.runtime import paths, stored


class Result(dict):
    """The entries of a command's JSON line, and what lies in the folder it wrote.

    `result["knn_top1"]` is an entry. Where a command has several lines, as a sweep,
    each is a result of its own.
    """

    @property
    def metrics(self) -> dict[str, float]:
        """The entries that are numbers."""
        numbers = {n: v for n, v in self.items() if isinstance(v, int | float)}
        return {n: v for n, v in numbers.items() if not isinstance(v, bool)}

    @property
    def workdir(self) -> pathlib.Path | None:
        """The folder or file that the command wrote; None where it wrote none.

        Of a run behind an address it is the copy on this machine.
        """
        written = next(filter(None, map(self.get, ("output", "path", "workdir"))), "")
        if not written:
            return None
        return pathlib.Path(paths.local(written, "workdir", remote=True))

    @property
    def history(self) -> list[dict[str, Any]]:
        """The log, a row for each epoch: of `metrics.jsonl`; empty where there is none.

        `pandas.DataFrame(result.history)` is a table of it.
        """
        return read_rows(self.workdir) if self.workdir else []

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C stopped it; the same call goes on from there."""
        return bool(self.get("interrupted", False))

    @functools.cached_property
    def model(self) -> Any:
        """What was trained, opened when it is first asked for.

        Of a run the encoder, a `keras.Model` from images to features; of a fine-tuning
        the classifier; of a run on a graph the GCN.

        Raises:
            UsageError: there is no model in the folder.
        """
        folder = self.workdir or pathlib.Path()
        path, method = folder / "config.json", ""
        if path.is_file():
            method = stored.read_config(folder).get("method", "")
        kind = METHODS[method].learns_from if method in METHODS else "images"
        return importlib.import_module(KINDS[kind].runner).trained_model(str(folder))
