"""Callbacks of the user's, by the names that `--callbacks` gives."""

import importlib
import os
import sys
from collections.abc import Iterable

import keras

from ressl_tf.runtime.errors import UsageError, reason_of


def load(names: Iterable[str]) -> list[keras.callbacks.Callback]:
    """Make the callbacks of all names, in their order.

    Args:
        names: "module:function"; a module of the working directory is found too.

    Raises:
        UsageError: there is no such function, or it makes no callback.
    """
    return [made for name in names if name for made in _make(name)]


def _make(name: str) -> list[keras.callbacks.Callback]:
    module, _, function = name.partition(":")
    if not module or not function:
        raise UsageError(f"--callbacks must be module:function. Received: {name}")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        made = getattr(importlib.import_module(module), function)()
    except Exception as error:
        kind = type(error).__name__
        raise UsageError(
            f"--callbacks={name} cannot be made: {kind}: {reason_of(error)}"
        ) from error
    several = list(made) if isinstance(made, list | tuple) else [made]
    for one in several:
        if not isinstance(one, keras.callbacks.Callback):
            raise UsageError(
                f"--callbacks={name} must make a keras.callbacks.Callback or a list of "
                f"them. Received: {type(one).__name__}"
            )
    return several
