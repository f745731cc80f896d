"""Completion of `ressl-tf` in a shell, by shtab."""

import argparse
import dataclasses
import importlib
import typing
from collections.abc import Mapping
from typing import Any

from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.nearest_names import nearest

SHELLS = ("bash", "zsh", "tcsh")
FILE = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}  # shtab.FILE


def script(shell: str, commands: Mapping[str, str]) -> str:
    """Return the script that lets a shell complete commands, flags and choices.

    Args:
        shell: one of `SHELLS`.
        commands: name -> what it does in a line.

    Raises:
        UsageError: another shell, or shtab is not installed.
    """
    if shell not in SHELLS:
        raise UsageError(
            f"--completion is followed by one of {', '.join(SHELLS)}"
            f"{nearest(shell, SHELLS)}. Received: {shell or 'nothing'}"
        )
    try:
        shtab = importlib.import_module("shtab")
    except ImportError:
        raise UsageError(
            "--completion needs shtab: pip install 'ressl_tf[completion]'"
        ) from None
    return shtab.complete(parser(commands), shell)


def parser(commands: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return a parser that knows what can be typed; it is read, not run."""
    top = argparse.ArgumentParser("ressl-tf")
    top.add_argument("--version", action="store_true", help="the version")
    several = top.add_subparsers()
    for name, summary in commands.items():
        one = several.add_parser(name, help=summary, description=summary)
        main = importlib.import_module(f"ressl_tf.{name}").main
        for field in dataclasses.fields(typing.get_type_hints(main)["config"]):
            _add(one, field)
        one.add_argument("--flagfile", help="flags from a file").complete = FILE  # type: ignore[attr-defined]
        one.add_argument("--traceback", action="store_true", help="of an error")
    return top


def _add(one: argparse.ArgumentParser, field: dataclasses.Field) -> None:
    kind: dict[str, Any] = {"choices": flags.choices(field)}
    if isinstance(field.default, bool):
        kind = {"action": "store_true"}
        one.add_argument(f"--no{field.name}", help="turn it off", **kind)
    text = field.metadata["help"].partition(". ")[0].replace("%", "%%")
    made = one.add_argument(f"--{field.name}", help=text, **kind)
    if field.metadata["path"] is not None:
        made.complete = FILE  # type: ignore[attr-defined]
