"""What is known of a run besides its curves: flags, data, time, commands."""

import dataclasses
import platform
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.config.unused_flags import meant
from ressl_tf.runtime import flags, host


def differing_flags(config: Config) -> list[dict[str, str]]:
    """Return the flags that have another value than their default, and what they do.

    Those without a meaning for the method are left out.
    """
    values = meant(vars(config))
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    defaults["teacher_temp"] = config.kind.teacher_temp  # what 0 stands for
    return [
        {
            "flag": f"--{name}",
            "value": flags.as_text(values[name]),
            "default": flags.as_text(defaults[name]) or "(empty)",
            "help": field.metadata["help"],
        }
        for field in dataclasses.fields(config)
        if (name := field.name) in values and values[name] != defaults[name]
    ]


def command_of(config: Config) -> list[str]:
    """Return the words of the command that goes on with a run.

    With another --workdir it repeats the run.
    """
    return ["python -m ressl_tf.train", *map(shlex.quote, flags.arguments(config))]


def facts(
    config: Config, rows: Sequence[Mapping[str, Any]], images: str
) -> list[tuple[str, str]]:
    """Return name -> value of what a reader asks first.

    Args:
        config: of the run.
        rows: of its log.
        images: what the images or nodes of the report are.
    """
    last = rows[-1] if rows else {}
    network = config.kind.network or f"{config.backbone}, width {config.width:g}"
    return [
        ("method", config.method),
        ("data", config.dataset),
        ("network", network),
        ("epochs", f"{last.get('epoch', 0):g} of {config.total_epochs:,}"),
        ("steps", f"{last.get('step', 0):,}"),
        ("training time", duration(config, rows)),
        ("shown here", images),
        ("page made by", versions()),
        ("on", machine()),
    ]


def duration(config: Config, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the time in steps, by the throughput of each epoch in the log."""
    seconds, before = 0.0, 0
    for row in rows:
        steps = row.get("step", 0) - before
        if speed := row.get("images_per_second"):
            seconds += steps * config.batch_size / speed
        elif speed := row.get("epochs_per_second"):  # of a graph, an epoch is a step
            seconds += steps / speed
        before = row.get("step", 0)
    if not seconds:
        return "not known"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
    return f"{text} in steps, without kNN and saving"


def versions() -> str:
    """Return the versions that made the page."""
    own = f"ressl_tf {ressl_tf.__version__}"
    return f"{own}, TensorFlow {tf.__version__}, Keras {keras.__version__}"


def machine() -> str:
    """Return the devices of the machine that made the page."""
    devices = [device.device_type for device in tf.config.list_physical_devices()]
    counted = ", ".join(
        f"{devices.count(kind)} {kind}" for kind in sorted(set(devices))
    )
    processor = host.processor() or platform.machine()
    return f"{processor}, {host.cores()} cores ({counted})"
