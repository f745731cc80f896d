"""The folder a run lives in: config, metrics, checkpoints, pictures."""

import dataclasses
import fcntl
import json
import os
import pathlib
from typing import Any

from ressl_tf.runtime.atomic import TEMPORARY, replacing
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import free_fields, renamed


class Workdir:
    """`config.json`, `metrics.jsonl`, `checkpoints/`, `tensorboard/`, `views.png`.

    It is locked until it is closed: two runs cannot share one.

    Args:
        config: of the run, a dataclass of flags; its `run_dir` is made if it is not
            there.
        flag: that chooses the folder, for messages.

    Raises:
        UsageError: when another process uses the folder, or a run with another config
            lies there; the message prints the difference.
    """

    def __init__(self, config: Any, flag: str = "--workdir"):
        self.flag = flag
        self.path = pathlib.Path(config.run_dir)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
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
        return self.path / "checkpoints"

    def close(self) -> None:
        """Gives the folder free; so do the end of `with` and of the process."""
        os.close(self._lock)

    def __enter__(self) -> "Workdir":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _take_lock(self):
        lock = os.open(self.path / "lock", os.O_CREAT | os.O_WRONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise UsageError(
                f"{self.path} is in use by another process; choose another {self.flag}"
            ) from None
        except OSError as error:  # some network file systems have none
            os.close(lock)
            raise UsageError(
                f"{self.flag} must be on a file system with locks, which keep two runs "
                f"apart. Received: {self.path} ({error.strerror})"
            ) from None
        return lock

    def _remove_leftovers(self):
        """What a killed process was writing; nobody else writes here now."""
        for folder in (self.path, self.checkpoints):
            for leftover in folder.glob(TEMPORARY):
                leftover.unlink()

    def _check_config(self, config):
        path, wanted = self.path / "config.json", to_json(config)
        if path.exists():
            _refuse_difference(path, wanted, config, self.flag)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(wanted, indent=2) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The rows of `metrics.jsonl`."""
        return read_rows(self.path)

    def write_rows(self, rows: list[dict[str, Any]]) -> None:
        """Replaces `metrics.jsonl`."""
        with replacing(self.path / "metrics.jsonl") as temporary:
            temporary.write_text("".join(json.dumps(row) + os.linesep for row in rows))

    def log(self, row: dict[str, Any]) -> None:
        """Adds a row to `metrics.jsonl`, in place of one of the same step."""
        rows = [old for old in self.rows() if old["step"] < row["step"]]
        self.write_rows([*rows, row])

    def resume_at(self, step: int, steps_per_epoch: int, last_step: int) -> None:
        """Keeps what an unbroken run to `last_step` has written until `step`.

        These are the rows of whole epochs and of the last step: those of an earlier end
        inside an epoch go.
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
    """The rows of a run's `metrics.jsonl`; none where there is no such file."""
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def to_json(config: Any) -> dict[str, Any]:
    """The config as JSON reads it back: tuples are lists."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _refuse_difference(path, wanted, config, flag):
    """A flag that the stored config does not know yet had its default there."""
    defaults = {f.name: f.default for f in dataclasses.fields(config)}
    stored = renamed(type(config), json.loads(path.read_text()))
    stored = {**json.loads(json.dumps(defaults)), **stored}
    unlike = [
        f"--{name}={wanted[name]} (there: {stored[name]})"
        for name in wanted
        if name not in free_fields(type(config)) and wanted[name] != stored[name]
    ]
    if unlike:
        raise UsageError(
            f"{path.parent} holds a run with another config: {', '.join(unlike)}; "
            f"choose another {flag} or the same flags"
        )
