"""Which versions wrote a checkpoint, as it says itself.

A resumed run equals an unbroken one where TensorFlow and Keras stay the same; another
version may round or draw otherwise, and is allowed.
"""

import json
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ressl_tf
from ressl_tf.runtime import archives, stored
from ressl_tf.runtime.errors import RunError

ENTRY = "about"  # beside the arrays of the checkpoint
LIBRARIES = {"tensorflow": "TensorFlow", "keras": "Keras"}


def versions() -> dict[str, str]:
    """Return the versions that compute here."""
    return {
        "ressl_tf": ressl_tf.__version__,
        "tensorflow": tf.version.VERSION,
        "keras": keras.version(),
    }


def described() -> np.ndarray:
    """Return format and versions, JSON as uint8 [bytes]: a number as all arrays are."""
    about = {stored.KEY: stored.FORMATS["checkpoint"], **versions()}
    return np.frombuffer(json.dumps(about).encode(), np.uint8)


def check(entry: np.ndarray | None, place: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a checkpoint says of itself; empty where it says nothing.

    Args:
        entry: of `described`; None where there is none, as in the first format.
        place: of the checkpoint, for messages.

    Raises:
        UsageError: a later version of the package wrote it.
        ValueError: it is damaged.
    """
    about = json.loads(entry.tobytes()) if entry is not None else {}
    if not isinstance(about, dict):
        raise ValueError(f"its entry {ENTRY} is damaged")
    stored.check_format(about, "checkpoint", place)
    return about


def changed(place: str | os.PathLike[str]) -> str:
    """Say which libraries have another version than when a checkpoint was written.

    Args:
        place: of a checkpoint that was read before.

    Returns:
        A sentence; empty where none has, or the checkpoint says nothing.
    """
    try:
        about = check(archives.read_arrays(place, [ENTRY]).get(ENTRY), place)
    except (OSError, ValueError) as error:
        raise RunError(f"{place} cannot be read any more: {error}") from None
    here = versions()
    other = {n: about[n] for n in LIBRARIES if about.get(n, here[n]) != here[n]}
    if not other:
        return ""
    before = ", ".join(f"{LIBRARIES[n]} {version}" for n, version in other.items())
    now = ", ".join(f"{LIBRARIES[n]} {here[n]}" for n in other)
    return (
        f"the run went to {os.path.basename(place)} with {before} and goes on with "
        f"{now}: that is allowed, and may differ from an unbroken run by rounding, "
        "views and order"
    )
