"""`--pixels=auto`: what the training images need, in place of the word."""

import dataclasses
import pathlib

from ressl_tf.config import Config
from ressl_tf.data.sources import Source
from ressl_tf.runtime.stored import read_object

AUTO = "auto"


def wanted(config: Config) -> str:
    """Return the type that training images are decoded to, or "auto".

    A run that was begun with the word keeps what it had: 8 bits, as earlier versions
    had it, too.
    """
    if config.pixels != AUTO:
        return config.pixels
    path = pathlib.Path(config.run_dir, "config.json")
    if not path.is_file():
        return AUTO
    pixels = read_object(path).get("pixels", AUTO)
    return "uint8" if pixels == AUTO else pixels


def resolved(config: Config, source: Source) -> Config:
    """Return the config with "float32" where its training images are such.

    The evaluations of the run, its export and its next start find it there.
    """
    if config.pixels == AUTO and source.dtype == "float32":
        return dataclasses.replace(config, pixels=source.dtype)
    return config
