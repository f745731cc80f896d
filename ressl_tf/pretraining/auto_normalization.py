"""`--normalization=auto`: numbers of the training images in place of the word."""

import dataclasses
import pathlib

from ressl_tf.config import Config
from ressl_tf.config.normalizations import AUTO
from ressl_tf.data.channel_statistics import Statistics, measured
from ressl_tf.data.sources import Source
from ressl_tf.runtime.stored import read_object


def resolved(config: Config, source: Source) -> Config:
    """Return the config with `mean` and `std` where they are the training images'.

    A run that was begun keeps its numbers, which its `config.json` holds.

    Raises:
        RunError: no image of the sample can be read.
    """
    if config.normalization != AUTO or config.mean:
        return config
    mean, std = _of_begun_run(config) or measured(source, config.cache_dir or None)
    return dataclasses.replace(config, mean=mean, std=std)


def _of_begun_run(config: Config) -> Statistics | None:
    path = pathlib.Path(config.run_dir, "config.json")
    stored = read_object(path) if path.is_file() else {}
    if stored.get("normalization") != AUTO or not stored.get("mean"):
        return None
    return tuple(stored["mean"]), tuple(stored["std"])
