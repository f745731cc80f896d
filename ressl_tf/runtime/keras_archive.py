"""What a `.keras` file is made of, looked at before Keras builds any of it."""

import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

from ressl_tf.runtime import archives, hdf5_file
from ressl_tf.runtime.errors import UsageError

# Layers of Keras that run what the file brings along: Python, a graph, a pickle.
OF_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
LAMBDA = "__lambda__"  # a Python function, wherever one may stand
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def check(path: str | os.PathLike[str]) -> None:
    """Refuse a `.keras` file that brings code, or more than the memory holds.

    Keras refuses most of it, too, later and not in every version.

    Raises:
        UsageError: says what is wrong, and what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            archives.check(archive.infolist())
            config = json.loads(archive.read(CONFIG))
            if WEIGHTS in archive.namelist():
                with archive.open(WEIGHTS) as file:
                    hdf5_file.check(file)
    except (ValueError, KeyError, RecursionError, OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error).strip("'\"")
        raise UsageError(f"{path} is no .keras file of a model: {reason}") from None
    check_config(config, str(path))


def check_config(config: Any, place: str) -> None:
    """Refuse the description of a model that brings code of its own.

    Args:
        config: of `keras.saving.serialize_keras_object`.
        place: where it was found, for messages.

    Raises:
        UsageError: it has a layer that runs what the file holds.
    """
    for each in _dicts(config):
        name, registered = each.get("class_name"), each.get("registered_name")
        if name == LAMBDA or (name in OF_CODE and registered in (None, name)):
            what = "a Python function" if name == LAMBDA else f"a layer {name}"
            raise UsageError(
                f"{place} brings code of its own ({what}), which is not run here; if "
                "it is yours, give what makes the network: --backbone=file.py:function"
            )


def _dicts(config: Any) -> Iterator[dict]:
    """Yield all dicts inside, however deep, without recursion."""
    left = [config]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            yield found
            left += found.values()
        elif isinstance(found, list):
            left += found
