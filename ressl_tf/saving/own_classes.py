"""The classes of a user's network, which Keras needs to open what was saved of it."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ressl_tf.config.own_backbone import in_code
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
    if not in_code(name):
        return ""
    try:
        function_of("backbone", name)
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
