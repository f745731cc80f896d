"""Backbones of the user's, as --backbone names them; what else it may be is a table."""

import os
import re
from typing import Any

from ressl_tf.config.backbone_table import (
    BACKBONES,
    NAMES,
    OPTIONS,
    PATCHES,
    check_options,
    check_patches,
)
from ressl_tf.runtime import own_code
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

OWN = "own"  # the value of --init_from that keeps the weights of a user's network
KERAS = "keras:"  # the prefix of names of keras.applications
HUB = "hub:"  # the prefix of names of presets of keras-hub
OF_OURS = {name: OPTIONS[name] for name in ("patch_size", "vit_pooling", "drop_path")}
FORMS = (
    "a network of your own: package.module:function, file.py:function, file.keras, "
    "keras:NAME of keras.applications or hub:NAME of keras-hub"
)


class ListedNames(tuple):
    """Names that help and completion list; `checked` allows own networks, too."""

    def __contains__(self, value: object) -> bool:
        """Return True: `checked` looks closer, and says more."""
        return True


def backbone() -> Any:
    """Declare the network of the encoder."""
    return option(
        "resnet18",
        "Network of the encoder. ConvNeXt and ViT have no batch normalisation, and are "
        "trained by --optimizer=adamw. Or a network of your own: "
        "package.module:function or file.py:function that returns a keras.Model, "
        "file.keras, keras:NAME of keras.applications, or hub:NAME of keras-hub; "
        "--width and --stem are not theirs.",
        group="network",
        choices=ListedNames(NAMES),
    )


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
        config: with the flags of the network and `image_size`.

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
        _check_ours(config)
        return name
    for flag, default in {"width": 1.0, "stem": "standard", **OF_OURS}.items():
        if getattr(config, flag) != default:
            raise UsageError(
                f"--{flag} is of the networks of ressl_tf; one of your own says it in "
                f"its code. Received: --{flag}={getattr(config, flag)} "
                f"--backbone={name}"
            )
    return _with_whole_path(name)


def _check_ours(config: Any) -> None:
    check_options(config.backbone, vars(config))
    if BACKBONES[config.backbone].positions and config.stem in PATCHES:
        patch = config.patch_size or PATCHES[config.stem]
        check_patches(config.backbone, patch, [config.image_size])


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
