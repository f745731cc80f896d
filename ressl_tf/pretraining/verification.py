"""Whether the first steps of a run, taken again, lead to the weights that it had."""

import contextlib
import dataclasses
import logging
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.verify_config import VerifyConfig
from ressl_tf.engine import first_steps
from ressl_tf.engine.workdir import to_json
from ressl_tf.pretraining.pretrain import pretrain
from ressl_tf.runtime import flags, stored
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.saving.pretrained import run_config

log = logging.getLogger("ressl_tf")
# What changes no bit of the weights, and takes time or writes elsewhere.
WITHOUT: dict[str, Any] = {
    "knn_every": 0,
    "keep_best": False,
    "report": False,
    "tensorboard": False,
    "tracker": ("none",),
    "checkpoint_every_steps": 0,
}
MAY_DIFFER = ("workdir", "dataset", "data_dir", "cache_dir", "extend_epochs")
Record = dict[str, Any]  # contents of first_steps.json


def verify(config: VerifyConfig) -> dict[str, Any]:
    """Train the first steps of a run in a temporary folder, and compare the hash.

    Returns:
        The result, as the command line prints it; `differs` lists what is not as it
        was, and did not matter.

    Raises:
        UsageError: there is no run, or one that cannot be verified.
        RunError: the weights are others; the message says what differs.
    """
    place = pathlib.Path(config.workdir)
    trained = run_config(place)
    record = read_record(place)
    run = _to_repeat(trained, place, config, record)
    log.info("training %d steps again, in a folder that is removed", record["step"])
    with (
        _warnings_alone(),
        tempfile.TemporaryDirectory(prefix="ressl_tf-verify-") as folder,
    ):
        again = dataclasses.replace(run, workdir=folder, max_steps=record["step"])
        found = pretrain(again)
        assert found is not None  # the only process
        made = read_record(pathlib.Path(folder))["made_with"]
    differs = [
        *differences(
            {"flags": _flags(record["config"])}, {"flags": _flags(to_json(run))}
        ),
        *differences(record["made_with"], made),
    ]
    if found["weights_sha256"] != record["weights_sha256"]:
        raise RunError(_complaint(place, record["step"], differs))
    return {
        "workdir": config.workdir,
        "same": True,
        "steps": record["step"],
        "weights_sha256": record["weights_sha256"],
        "differs": differs,
    }


@contextlib.contextmanager
def _warnings_alone() -> Iterator[None]:
    """Leave out what training says of figures, pictures and the next command."""
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def read_record(place: pathlib.Path) -> Record:
    """Read what a run has written of its first steps.

    Raises:
        UsageError: it has written nothing.
        RunError: the file is damaged.
    """
    path = place / first_steps.FILE
    if not path.is_file():
        raise UsageError(
            f"{place} has no {first_steps.FILE}, which verify compares with: the run "
            "was begun by an earlier version, or has not taken its first steps; train "
            "it again into another --workdir and compare weights_sha256"
        )
    record = stored.read_object(path)
    try:
        return {n: record[n] for n in ("step", "weights_sha256", "config", "made_with")}
    except KeyError as error:
        raise RunError(f"{path} is damaged: {error!r}") from None


def differences(before: Any, now: Any, name: str = "") -> list[str]:
    """List what differs between two sheets, nested: "versions.keras: 3.11 -> 3.12"."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        names = {**before, **now}
        return [
            line
            for key in names
            for line in differences(
                before.get(key), now.get(key), f"{name}.{key}" if name else key
            )
        ]
    return [] if before == now else [f"{name}: {_shown(before)} -> {_shown(now)}"]


def _shown(value: Any) -> str:
    return "not there" if value is None else str(value)


def _to_repeat(
    run: Config, place: pathlib.Path, config: VerifyConfig, record: Record
) -> Config:
    """Return the run's own config, without what the weights do not depend on."""
    if run.num_workers > 1 or run.strategy == "multiworker":
        raise UsageError(
            f"{place} was trained by several processes, and verify is one: start its "
            f"command again with another --workdir and --max_steps={record['step']}, "
            f"and compare weights_sha256 with that in {first_steps.FILE}"
        )
    if run.callbacks:
        log.warning("verify leaves out the run's own --callbacks")
    # An extension stretches schedules of a run whose first steps were before it.
    extended = record["config"].get("extend_epochs", 0)
    given = {"dataset": config.dataset, "data_dir": config.data_dir}
    moved: dict[str, Any] = {name: value for name, value in given.items() if value}
    return dataclasses.replace(
        run, **WITHOUT, **moved, callbacks=(), extend_epochs=extended
    )


def _flags(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that a run's weights depend on."""
    left_out = {*MAY_DIFFER, *WITHOUT, *flags.free_fields(Config)}
    return {name: value for name, value in config.items() if name not in left_out}


def _complaint(place: pathlib.Path, step: int, differs: list[str]) -> str:
    why = "; ".join(differs) or "nothing of what is known: see its own code and data"
    return (
        f"{place}: after step {step} the weights are others than those that "
        f"the run had. What differs: {why}"
    )
