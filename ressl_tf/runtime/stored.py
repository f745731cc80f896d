"""Stored files say the number of their format; of a later one they are refused.

A number rises when a reader of before would misread the file. What has none is of the
first format.
"""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from ressl_tf.runtime.errors import RunError, UsageError

KEY = "format_number"  # --format is a flag of some commands
FORMATS = {"run": 1, "checkpoint": 1, "SavedModel": 1, "file of features": 1}


def check_format(
    found: Mapping[str, Any], kind: str, place: str | os.PathLike[str]
) -> None:
    """Refuse what a later version wrote.

    Args:
        found: what the file says of itself.
        kind: of `FORMATS`.
        place: where it was found, for the message.

    Raises:
        UsageError: its number is not known here.
    """
    number, known = found.get(KEY, 1), FORMATS[kind]
    if type(number) is not int or not 1 <= number <= known:
        raise UsageError(
            f"{place} is a {kind} of format {number!r}, of a later version of ressl_tf "
            f"than this, which reads up to {known}: install that version"
        )


def read_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        RunError: it cannot be read, or holds something else.
    """
    try:
        found = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(f"{path} is damaged: {reason}") from None
    if not isinstance(found, dict):
        raise RunError(f"{path} is damaged: it holds no JSON object")
    return found


def read_config(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the flags in a run's `config.json`, whatever command wrote it.

    Raises:
        RunError: it cannot be read.
        UsageError: a later version wrote it.
    """
    found = read_object(pathlib.Path(folder, "config.json"))
    check_format(found, "run", folder)
    return {name: value for name, value in found.items() if name != KEY}
