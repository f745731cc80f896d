"""The folder of a run: config, metrics, checkpoints, pictures."""

import dataclasses
import json
import logging
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ressl_tf.runtime import lock, mirrors, stored
from ressl_tf.runtime.atomic import TEMPORARY, make_folder, remove, replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.flags import as_written, renamed
from ressl_tf.runtime.paths import same

CONFIG = "config.json"
log = logging.getLogger("ressl_tf")


class Workdir:
    """The folder of a run, locked until it is closed: two runs cannot share one.

    It holds `config.json`, `metrics.jsonl`, `checkpoints/`, `tensorboard/` and
    `views.png`.

    Args:
        config: of the run, a dataclass of flags; its `run_dir` is created where there
            is none.
        flag: that chooses the folder, for messages.

    Raises:
        UsageError: another process uses the folder, or it holds a run with another
            config; the message prints the difference.
    """

    def __init__(self, config: Any, flag: str = "--workdir"):
        self.flag = flag
        self.path = pathlib.Path(config.run_dir)
        try:
            make_folder(self.path)
            self._release = self._acquire_lock()
        except OSError as error:
            raise UsageError(
                f"{flag} must be a folder that can be written. Received: "
                f"{self.path} ({error.strerror})"
            ) from None
        try:
            self._check_config(config)
            self._remove_leftovers()
        except BaseException:
            self.close()
            raise

    @property
    def checkpoints(self) -> pathlib.Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def close(self) -> None:
        """Release the folder; the end of `with` and of the process do so too.

        Raises:
            RunError: it is a copy of a remote one, which cannot be written.
        """
        try:
            mirrors.settle(self.path)
        finally:
            self._release()

    def __enter__(self) -> "Workdir":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _acquire_lock(self) -> Callable[[], None]:
        try:
            return lock.acquire(self.path / "lock")
        except lock.LockHeldError:
            raise UsageError(
                f"{self.path} is in use by another process; choose another {self.flag}"
            ) from None
        except lock.LockUnsupportedError as error:  # some network file systems
            raise UsageError(
                f"{self.flag} must be on a file system with locks, which keep two runs "
                f"apart. Received: {self.path} ({error})"
            ) from None

    def _remove_leftovers(self) -> None:
        """Remove what a killed process was writing; nobody else writes here now."""
        for folder in (self.path, self.checkpoints):
            for leftover in folder.glob(TEMPORARY):
                remove(leftover)

    def _check_config(self, config: Any) -> None:
        path, wanted = self.path / CONFIG, to_json(config)
        if path.exists():
            _refuse_difference(path, wanted, config, self.flag)
        with replacing(path) as temporary:
            marked = {**wanted, stored.KEY: stored.FORMATS["run"]}
            temporary.write_text(json.dumps(marked, indent=2) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """Read the rows of `metrics.jsonl`."""
        return read_rows(self.path)

    def check_there(self) -> None:
        """Refuse to write into a folder that is not the one that was opened.

        Where a disk was taken away, its place may still be a folder, of another disk.

        Raises:
            RunError: the run's config is not in it any more.
        """
        if not (self.path / CONFIG).exists():
            raise RunError(
                f"{self.path} is gone, or another folder is in its place; nothing more "
                "is written; when it is back, the same command goes on from its last "
                "checkpoint"
            )

    def write_rows(self, rows: list[dict[str, Any]]) -> None:
        """Replace `metrics.jsonl`.

        Raises:
            RunError: the folder is gone, or cannot be written any more.
        """
        self.check_there()
        try:
            with replacing(self.path / "metrics.jsonl") as temporary:
                temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}") from None

    def log(self, row: dict[str, Any]) -> None:
        """Add a row to `metrics.jsonl`, in place of those of its step and later."""
        rows = [old for old in self.rows() if old["step"] < row["step"]]
        self.write_rows([*rows, row])
        mirrors.changed(self.path)

    def resume_at(self, step: int, steps_per_epoch: int, last_step: int) -> None:
        """Cut the log to the rows that an unbroken run would have at `step`.

        These are the rows of whole epochs and of the last step; the row of an earlier
        end inside an epoch is removed.

        Args:
            step: the one that the run resumes after.
            steps_per_epoch: steps from one row to the next.
            last_step: of the run.
        """
        rows = self.rows()
        kept = [
            r
            for r in rows
            if r["step"] <= step
            and (r["step"] % steps_per_epoch == 0 or r["step"] == last_step)
        ]
        if len(kept) < len(rows):
            self.write_rows(kept)


def read_rows(folder: pathlib.Path) -> list[dict[str, Any]]:
    """Read the rows of a run's `metrics.jsonl`; none where there is no such file.

    A last line that is cut off is left out, with a warning.

    Raises:
        RunError: another line is no row.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines, 1):
        if row := _row(line):
            rows.append(row)
        elif number == len(lines) and line:
            log.warning("%s: its last line is cut off, and left out", path)
        elif number < len(lines):
            raise RunError(f"{path} is damaged: line {number} is no row of a log")
    return rows


def _row(line: bytes) -> dict[str, Any]:
    """Return a row of a log; empty for what is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    is_row = isinstance(row, dict) and type(row.get("step")) is int
    return row if is_row else {}


def untrained_knn(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the kNN top-1 before the first step; None where it was not measured.

    Args:
        rows: of a run's log.
    """
    first = rows[0] if rows else {}
    return first.get("knn_top1") if first.get("step") == 0 else None


def to_json(config: Any) -> dict[str, Any]:
    """Return the config as JSON reads it back: tuples are lists.

    Paths are as the user wrote them: `~` is another folder on another machine.
    """
    return json.loads(json.dumps(as_written(config)))


def _refuse_difference(
    path: pathlib.Path, wanted: dict[str, Any], config: Any, flag: str
) -> None:
    """Refuse a stored config that is another; a flag it lacks had its default."""
    defaults = {f.name: f.default for f in dataclasses.fields(config)}
    there = renamed(type(config), stored.read_config(path.parent))
    there = {**json.loads(json.dumps(defaults)), **there}
    unlike = [
        f"--{field.name}={wanted[field.name]} (there: {there[field.name]})"
        for field in dataclasses.fields(config)
        if not field.metadata["free"]
        and not same(wanted[field.name], there[field.name], field.metadata["path"])
    ]
    if unlike:
        raise UsageError(
            f"{path.parent} holds a run with another config: {', '.join(unlike)}; "
            f"choose another {flag} or the same flags{_longer(wanted, there)}"
        )


def _longer(wanted: dict[str, Any], stored: dict[str, Any]) -> str:
    """Say how a run goes on for more epochs, where that is what is wanted."""
    more = wanted.get("epochs", 0) - stored.get("epochs", 0)
    if more <= 0 or "extend_epochs" not in wanted:
        return ""
    return f", or --epochs={stored['epochs']} --extend_epochs={more} to go on for more"
