"""What a tracker may do; each of them overrides what it can show."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras

from ressl_tf.runtime.atomic import replacing


class Tracker:
    """One that follows a run, from when it is made to `close`.

    Args:
        folder: the workdir of the run.
        config: flag -> value, ready for JSON.
    """

    def __init__(self, folder: pathlib.Path, config: Mapping[str, Any]):
        self.folder, self.config = folder, config

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Return callbacks of Keras that follow the run by themselves."""
        return []

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Take a row of the log: `epoch`, `step`, and numbers by their names."""

    def picture(self, path: pathlib.Path, step: int) -> None:
        """Take a picture of the workdir, as it is at a step; its stem is its name."""

    def embedding(self, write: Callable[[pathlib.Path], None]) -> None:
        """Take a function that writes features into a folder, for a projector."""

    def file(self, path: pathlib.Path) -> None:
        """Take a file of the workdir, such as the report."""

    def result(self, line: Mapping[str, Any]) -> None:
        """Take the JSON line of a run that has reached its end."""

    def close(self, status: str) -> None:
        """Let go; `status` is finished, stopped or failed."""


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers, the position in the run left out."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and name not in ("epoch", "step")
    }


def as_text(value: Any) -> str:
    """Write a flag's value where there is a place for texts alone."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def remembered(folder: pathlib.Path, name: str, make: Callable[[], str]) -> str:
    """Return the id of this run with a tracker: that of before, where it goes on.

    Args:
        folder: the workdir, which keeps the ids in `trackers.json`.
        name: of the tracker.
        make: returns the id of a run that begins.
    """
    path = folder / "trackers.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    if name not in known:
        known[name] = make()
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(known, indent=2) + "\n")
    return known[name]
