"""Keyword arguments of Python as flags: as a notebook writes them, checked alike."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.nearest_names import nearest


def defaults(cls: type) -> dict[str, Any]:
    """Return flag -> default."""
    return {field.name: field.default for field in dataclasses.fields(cls)}


def from_arguments(cls: type, given: Mapping[str, Any], flagfile: Any = "") -> Any:
    """Make a config of keyword arguments, and of a file where one is given.

    Args:
        cls: the config's class.
        given: name -> value, also under earlier names of a flag. Lists are tuples, one
            number is a tuple of one, paths are texts.
        flagfile: as `--flagfile`; `given` wins.

    Raises:
        UsageError: an argument that is no flag, with the nearest names, or a value that
            a flag does not take.
    """
    known = defaults(cls)
    given = flags.renamed_arguments(given, flags.former_names(cls))
    for name in given:
        if name not in known:
            close = nearest(name, known)
            raise UsageError(f"no such argument{close}. Received: {name}")
    values = {name: _as_flag(value, known[name]) for name, value in given.items()}
    if flagfile:
        stored = flags.read(cls, [f"--flagfile={os.fspath(flagfile)}"])
        values = {**stored, **values}
    return cls(**values)


def _as_flag(value: Any, default: Any) -> Any:
    """Return a value as the flag has it: numbers of Python, tuples, texts."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(default, tuple):
        return value
    return tuple(value) if isinstance(value, list | tuple) else (value,)
