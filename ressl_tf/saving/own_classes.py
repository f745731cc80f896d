"""The classes of a user's network, which Keras needs to open what was saved of it."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ressl_tf.config.own_backbone import HUB, in_code
from ressl_tf.models.backbones import hub_source
from ressl_tf.runtime import stored
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.own_code import file_of, function_of


def import_code(config: Mapping[str, Any] | None, folder: pathlib.Path) -> str:
    """Import the code of the network that a run was trained with.

    Args:
        config: flags of the run, or of one that fine-tuned its network; None if
            nothing is known of it.
        folder: that is opened; code in it is refused.

    Returns:
        Why it cannot be imported; empty if it is, or there is none.

    Raises:
        UsageError: the code lies in the folder.
    """
    name = _backbone(config or {})
    if name.startswith(HUB):
        return _failure(hub_source.library)
    if not in_code(name):
        return ""
    refuse_inside(name, folder)
    return _failure(lambda: function_of("backbone", name))


def refuse_inside(name: str, folder: pathlib.Path) -> None:
    """Refuse code that came with the folder that is opened.

    Args:
        name: of a network, as --backbone names it.
        folder: that is opened.

    Raises:
        UsageError: the code lies in it.
    """
    file = file_of(name) if in_code(name) else None
    if file and file.is_relative_to(folder.resolve()):
        raise UsageError(
            f"{folder} would run code that lies in itself: {file}. Opening a folder "
            "runs nothing of it; if it is yours, move the file elsewhere, and say in "
            "config.json where"
        )


def _failure(load: Callable[[], Any]) -> str:
    try:
        load()
        return ""
    except (UsageError, RunError) as error:
        return str(error)


def _backbone(config: Mapping[str, Any]) -> str:
    if "backbone" in config:
        return config["backbone"]
    file = pathlib.Path(config.get("workdir") or "", "config.json").expanduser()
    if not config.get("workdir") or not file.is_file():
        return ""
    return stored.read_config(file.parent).get("backbone", "")
