"""All trackers of a run as one, none of which can end it once it goes."""

import contextlib
import importlib
import importlib.util
import logging
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from ressl_tf.config import tracker_flags
from ressl_tf.config.tracker_table import TRACKERS
from ressl_tf.engine.trackers.tracker import Tracker
from ressl_tf.engine.workdir import Workdir, to_json
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError, reason_of

log = logging.getLogger("ressl_tf")


class Tracking:
    """The trackers that follow a run. One that fails is left out with a warning."""

    def __init__(self) -> None:
        self.trackers: dict[str, Tracker] = {}

    def open(self, name: str, folder: pathlib.Path, config: Mapping[str, Any]) -> None:
        """Begin with one more tracker.

        Raises:
            RunError: it cannot begin: no server, no login.
            UsageError: it cannot follow this run.
        """
        module, _, class_name = TRACKERS[name].home.partition(":")
        try:
            tracker = getattr(importlib.import_module(module), class_name)
            self.trackers[name] = tracker(folder, config)
        except UsageError:
            raise
        except Exception as error:
            raise RunError(
                f"--tracker={name} cannot begin: {type(error).__name__}: "
                f"{reason_of(error)}"
            ) from error

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Return the callbacks of Keras that trackers bring along."""
        return [c for tracker in self.trackers.values() for c in tracker.callbacks()]

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Hand on a row of the log."""
        self._tell(lambda tracker: tracker.metrics(row))

    def picture(self, path: pathlib.Path, step: int) -> None:
        """Hand on a picture of the workdir, if it is there."""
        if path.is_file():
            self._tell(lambda tracker: tracker.picture(path, step))

    def embedding(self, write: Callable[[pathlib.Path], None]) -> None:
        """Hand on what writes features into a folder."""
        self._tell(lambda tracker: tracker.embedding(write))

    def result(self, line: Mapping[str, Any]) -> None:
        """Hand on the JSON line of the run, and the report that it names."""
        if line.get("report"):
            self._tell(lambda tracker: tracker.file(pathlib.Path(line["report"])))
        self._tell(lambda tracker: tracker.result(line))

    def close(self, status: str) -> None:
        """Close all; see `Tracker.close`."""
        self._tell(lambda tracker: tracker.close(status))

    def _tell(self, say: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.trackers.items()):
            try:
                say(tracker)
            except Exception as error:
                del self.trackers[name]
                log.warning(
                    "--tracker=%s fails, and is left out from here: %s: %s",
                    *(name, type(error).__name__, reason_of(error)),
                )


def check_installed(config: Any) -> None:
    """Refuse trackers that are not installed, before a run reads its data.

    Raises:
        UsageError: says what installs them.
    """
    for name in tracker_flags.chosen(config):
        package = TRACKERS[name].package
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"--tracker={name} needs {package}: pip install 'ressl_tf[trackers]'"
            )


@contextlib.contextmanager
def following(config: Any, workdir: Workdir) -> Iterator[Tracking]:
    """Open the trackers that a config asks for, and close them with the run.

    Raises:
        RunError: one of them cannot begin.
    """
    tracking, status = Tracking(), "failed"
    try:
        for name in tracker_flags.chosen(config):
            tracking.open(name, workdir.path, to_json(config))
        yield tracking
        status = "finished"
    except (Interrupted, KeyboardInterrupt):
        status = "stopped"
        raise
    finally:
        tracking.close(status)
