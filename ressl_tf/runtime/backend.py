"""The settings of Keras that this package needs, looked up without loading Keras."""

import functools
import importlib.metadata
import json
import os
import pathlib
import sys
from typing import Any

from ressl_tf.runtime.errors import UsageError

NEEDED = {  # with others Keras is not there, or other networks are built
    "backend": "tensorflow",
    "image_data_format": "channels_last",
    "floatx": "float32",
}
TRUE = ("1", "true", "True")  # as TensorFlow reads it


def check() -> None:
    """Refuse settings of Keras that this package cannot work with.

    The folders that need Keras call it when they are imported, and a command before it
    loads TensorFlow.

    Raises:
        UsageError: says what is set, where, and to what it must be set.
    """
    if reason := refusal():
        raise UsageError(reason)


def refusal() -> str:
    """Return why Keras, as it is set, cannot be used; empty if it can."""
    legacy = os.environ.get("TF_USE_LEGACY_KERAS", "")
    if legacy in TRUE and "keras_cv" not in sys.modules:
        return (
            "ressl_tf is written for Keras 3; unset TF_USE_LEGACY_KERAS, which puts "
            f"Keras 2 in its place. Received: TF_USE_LEGACY_KERAS={legacy}"
        )
    if reason := _bad_installation():
        return reason
    settings, place = _settings()
    if not isinstance(settings, dict):
        return f"{place} must be a JSON object of Keras's settings; mend or delete it"
    for name, needed in NEEDED.items():
        if (value := settings.get(name, needed)) != needed:
            if name == "backend" and os.environ.get("KERAS_BACKEND") == value:
                place = "KERAS_BACKEND"
            return (
                f"ressl_tf needs Keras with {name}={needed}; change it and start "
                f"Python again. Received: {name}={value}, set by {place}"
            )
    return ""


@functools.cache
def _bad_installation() -> str:
    """Return what is wrong with the Keras that is installed; empty for nothing.

    Two versions in one folder are what an installer leaves that was interrupted: files
    of both.
    """
    found = list(importlib.metadata.distributions(name="keras"))
    places = [str(one.locate_file("")) for one in found]
    first = [
        one.version for one, p in zip(found, places, strict=True) if p == places[0]
    ]
    if len(set(first)) > 1:
        return (
            f"two versions of Keras are installed in {places[0]}: "
            f"{', '.join(sorted(first))}; pip install --force-reinstall keras"
        )
    if first and int(first[0].partition(".")[0]) < 3:
        return (
            "ressl_tf is written for Keras 3; pip install --upgrade 'keras>=3.12'. "
            f"Received: Keras {first[0]} in {places[0]}"
        )
    return ""


def _settings() -> tuple[Any, str]:
    """Return Keras's settings and where they come from: of Keras if it is loaded."""
    config = getattr(sys.modules.get("keras"), "config", None)
    if hasattr(config, "backend"):
        return {name: getattr(config, name)() for name in NEEDED}, "this program"
    path = _file()
    try:
        stored = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):  # Keras goes on, too
        stored = {}
    except OSError:
        stored = None
    if isinstance(stored, dict) and (backend := os.environ.get("KERAS_BACKEND")):
        stored["backend"] = backend
    return stored, str(path)


def _file() -> pathlib.Path:
    """Return the path of the user's settings, found as Keras finds it."""
    home = os.path.expanduser("~")
    if not os.access(home, os.W_OK):
        home = "/tmp"
    folder = os.environ.get("KERAS_HOME", os.path.join(home, ".keras"))
    return pathlib.Path(os.path.expanduser(os.path.join(folder, "keras.json")))
