"""Parse the texts of `--grid` into runs; nothing is run or written."""

import dataclasses
import difflib
import hashlib
import itertools
import logging
import os
import urllib.parse
from collections.abc import Sequence
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.config.unused_flags import unused
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

FIELDS = {field.name: field for field in dataclasses.fields(Config)}
NOT_SWEPT = ("workdir", "dry_run")
LONGEST_NAME = 200  # bytes; file systems take 255

log = logging.getLogger("ressl_tf")


@dataclasses.dataclass(frozen=True)
class Run:
    """A combination of the grid's values.

    Attributes:
        values: Flag -> value, in the order of the grid.
        config: Config of its training; the workdir is named after the values.
        same_as: Name of an earlier run whose training, and config, this one shares:
            they differ in flags that mean nothing to the method.
    """

    values: dict[str, Any]
    config: Config
    same_as: str = ""

    @property
    def name(self) -> str:
        """The values as text, "flag=value,flag=value"."""
        return _name(self.values)


def runs(config: SweepConfig) -> list[Run]:
    """Return all combinations, checked; the last flag of the grid changes fastest.

    Raises:
        UsageError: A combination is invalid; the message names it and says why.
    """
    swept = axes(config.grid)
    common = flags.arguments(config, Config)
    found: dict[str, Run] = {}
    first: dict[frozenset, Run] = {}  # what a run is made of -> the run that trains
    for texts in itertools.product(*swept.values()):
        run = _run(dict(zip(swept, texts, strict=True)), common, config.run_dir)
        if run.name in found:
            raise UsageError(f"--grid has the same run twice. Received: {run.name}")
        found[run.name] = _shared(run, first.setdefault(_meaning(run.config), run))
    return list(found.values())


def _meaning(config: Config) -> frozenset:
    """Return the flags that shape a run, with their values."""
    values = vars(config)
    without = unused(values) | {"workdir"}
    return frozenset(item for item in values.items() if item[0] not in without)


def _shared(run: Run, first: Run) -> Run:
    """Let a run that would be trained a second time be the first one."""
    if run is first:
        return run
    differ = [flag for flag in run.values if run.values[flag] != first.values[flag]]
    log.warning(
        "%s is trained once, as %s: %s has no part in --method=%s",
        *(run.name, first.name, " and ".join(differ), run.config.method),
    )
    return Run(run.values, first.config, same_as=first.name)


def axes(grid: Sequence[str]) -> dict[str, list[str]]:
    """Return flag -> its values as they were written.

    Args:
        grid: Texts "flag=value,value" or "flag=value;value".

    Raises:
        UsageError: A name is not a flag of training, or is there twice.
    """
    swept: dict[str, list[str]] = {}
    for text in grid:
        name, equals, values = text.partition("=")
        if not equals:
            raise UsageError(f"--grid must be FLAG=VALUE,VALUE. Received: {text}")
        _check_name(name)
        if name in swept:
            raise UsageError(f"--grid must have a flag once. Received: {name} twice")
        of_lists = isinstance(FIELDS[name].default, tuple)
        swept[name] = values.split(";" if of_lists or ";" in values else ",")
    return swept


def folder_name(name: str) -> str:
    """Turn the name of a run into that of a folder.

    Letters, digits and `=,:+ ` stay, but for `:` on Windows; the rest is written as
    %XX. A long name is cut and ends in a hash.
    """
    quoted = urllib.parse.quote(name, safe="=,+ " if os.name == "nt" else "=,:+ ")
    if len(quoted) <= LONGEST_NAME:
        return quoted
    rest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{quoted[: LONGEST_NAME - 13]}-{rest}"


def _check_name(name):
    if name in NOT_SWEPT:
        raise UsageError(f"--{name} cannot be in a --grid. Received: {name}")
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--grid takes flags of training{hint} Received: {name}")


def _run(texts, common, folder) -> Run:
    varied = [f"--{name}={text}" for name, text in texts.items()]
    try:
        config = flags.parse(Config, [*common, *varied])
    except UsageError as error:
        raise UsageError(f"in the run {_name(texts)}: {error}") from None
    written = flags.as_written(config)
    values = {name: written[name] for name in texts}
    workdir = f"{folder}/{folder_name(_name(values))}"
    return Run(values, dataclasses.replace(config, workdir=workdir, dry_run=False))


def _name(values):
    return ",".join(f"{flag}={flags.as_text(v)}" for flag, v in values.items())
