"""Backbones of the user's, as --backbone names them; what else it may be is a table."""

import os
import re
from typing import Any

from ressl_tf.config.backbone_table import BACKBONES, NAMES
from ressl_tf.runtime import own_code
from ressl_tf.runtime.errors import UsageError

OWN = "own"  # the value of --init_from that keeps the weights of a user's network
KERAS = "keras:"  # the prefix of names of keras.applications
HUB = "hub:"  # the prefix of names of presets of keras-hub
FORMS = (
    "a network of your own: package.module:function, file.py:function, file.keras, "
    "keras:NAME of keras.applications or hub:NAME of keras-hub"
)


class ListedNames(tuple):
    """Names that help and completion list; `checked` allows own networks, too."""

    def __contains__(self, value: object) -> bool:
        """Return True: `checked` looks closer, and says more."""
        return True


def is_own(name: str) -> bool:
    """Return whether --backbone names a network of the user's, not a row of ours."""
    return ":" in name or name.endswith(".keras")


def in_code(name: str) -> bool:
    """Return whether --backbone names a function, and not a file or a name of Keras."""
    kept = name.endswith(".keras") or name.startswith((KERAS, HUB))
    return is_own(name) and not kept


def checked(config: Any) -> str:
    """Return --backbone, a file in it with its absolute path: a run finds it anywhere.

    Args:
        config: with `backbone`, `width`, `stem` and `init_from`.

    Raises:
        UsageError: it is no name and no form, or has flags that are not its own.
    """
    name, ours = config.backbone, not is_own(config.backbone)
    if ours and name not in BACKBONES:
        raise UsageError(
            f"--backbone must be one of {', '.join(NAMES)}; or {FORMS}. "
            f"Received: {name}"
        )
    if ours and config.init_from == OWN:
        raise UsageError(
            "--init_from=own keeps the weights of a --backbone of your own. "
            f"Received: --backbone={name}, which has none yet"
        )
    if ours:
        return name
    for flag, default in (("width", 1.0), ("stem", "standard")):
        if getattr(config, flag) != default:
            raise UsageError(
                f"--{flag} is of the networks of ressl_tf; one of your own says it in "
                f"its code. Received: --{flag}={getattr(config, flag)} "
                f"--backbone={name}"
            )
    return _with_whole_path(name)


def _with_whole_path(name: str) -> str:
    if name.endswith(".keras"):
        return os.path.abspath(os.path.expanduser(name))
    if name.startswith(KERAS):
        return name
    if name.startswith(HUB):
        folder = os.path.abspath(os.path.expanduser(name.removeprefix(HUB)))
        return HUB + folder if os.path.isdir(folder) else name
    return own_code.with_whole_path(name)


def title(name: str) -> str:
    """Return a backbone's name as the folder of a run has it: no path, no colon."""
    return re.sub(r"[^\w.-]", "-", os.path.basename(name)) if is_own(name) else name
