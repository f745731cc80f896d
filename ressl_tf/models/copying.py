"""Copies of networks by their configs, within a process.

Keras looks classes up by their registered names and runs no code of a `Lambda` that
comes from a file. Here both come from the network itself, which is at hand.
"""

import contextlib
import types
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.saving.serialization_lib import SafeModeScope  # not public


@contextlib.contextmanager
def of(network: keras.layers.Layer) -> Iterator[None]:
    """Let Keras make copies of a network, with the classes and functions it holds."""
    known: dict[str, Any] = {}
    for part in network._flatten_layers():
        for value in (part, *vars(part).values()):
            if isinstance(value, types.FunctionType):
                known[value.__name__] = value
            elif hasattr(value, "get_config"):
                known[type(value).__name__] = type(value)
    with SafeModeScope(False), keras.saving.custom_object_scope(_foreign(known)):
        yield


def _foreign(known: dict[str, Any]) -> dict[str, Any]:
    """Leave out what Keras knows itself."""
    return {
        name: value
        for name, value in known.items()
        if value.__module__.partition(".")[0] != "keras"
        and keras.saving.get_registered_name(value) == name
    }
