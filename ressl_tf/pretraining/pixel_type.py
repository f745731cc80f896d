"""`--pixels=auto`: what the training images need, in place of the word."""

import dataclasses
import json
import pathlib

from ressl_tf.config import Config
from ressl_tf.data.sources import Source

AUTO = "auto"


def wanted(config: Config) -> str:
    """Return the type that training images are decoded to, or "auto".

    A run that was begun with the word keeps what it had: 8 bits, as earlier versions
    had it, too.
    """
    if config.pixels != AUTO:
        return config.pixels
    try:
        stored = json.loads(pathlib.Path(config.run_dir, "config.json").read_text())
    except (OSError, ValueError):
        return AUTO
    pixels = stored.get("pixels", AUTO)
    return "uint8" if pixels == AUTO else pixels


def resolved(config: Config, source: Source) -> Config:
    """Return the config with "float32" where its training images are such.

    The evaluations of the run, its export and its next start find it there.
    """
    if config.pixels == AUTO and source.dtype == "float32":
        return dataclasses.replace(config, pixels=source.dtype)
    return config
