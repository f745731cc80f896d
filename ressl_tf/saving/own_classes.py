"""The classes of a user's network, which Keras needs to open what was saved of it."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ressl_tf.config.own_backbone import HUB, in_code
from ressl_tf.models.backbones import hub_source
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.own_code import function_of


def import_code(config: Mapping[str, Any] | None) -> str:
    """Import the code of the network that a run was trained with.

    Args:
        config: flags of the run, or of one that fine-tuned its network; None if
            nothing is known of it.

    Returns:
        Why it cannot be imported; empty if it is, or there is none.
    """
    name = _backbone(config or {})
    if name.startswith(HUB):
        return _failure(hub_source.library)
    if not in_code(name):
        return ""
    return _failure(lambda: function_of("backbone", name))


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
    return json.loads(file.read_text()).get("backbone", "")
