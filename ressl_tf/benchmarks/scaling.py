"""How the time of a training step grows with what it is asked to do.

Each quantity is varied alone, around the flags' own values; all of its points, and the
floor of each (see `step`), take turns in one race. Replicas are in `replicas`.
"""

import dataclasses
import gc
import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from ressl_tf.benchmarks import (
    machine,
    scaling_figure,
    scaling_replicas,
    step_speed,
    timing,
)
from ressl_tf.benchmarks.timing import Contender, Rate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.evaluate import plots
from ressl_tf.methods.base import SSLModel
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
FACTORS = {  # on the config's own value
    "batch_size": (1 / 4, 1 / 2, 1, 2),
    "image_size": (1, 3 / 2, 2, 3),
    "queue_size": (1 / 4, 1, 8, 32),
    "embedding_dim": (1 / 2, 1, 2, 4),
}
Points = dict[int, BenchConfig]  # value of a quantity -> the run that has it
Pair = dict[str, Contender]  # "step" and "floor"
Growth = dict[str, dict[str, dict[str, float]]]  # quantity -> value -> its figures


def measure(config: BenchConfig) -> Growth:
    """Milliseconds of a step, and of its floor, at each value of each quantity.

    A value that the run cannot have is left out, and so is the queue of a method that
    has none.

    Raises:
        UsageError: when the config's own network, or the picture, cannot be made.
        RunError: when a process with several replicas fails.
    """
    if config.picture:
        _check_picture(pathlib.Path(config.picture))
    tf.get_logger().setLevel("ERROR")  # which calls a function a model a mistake
    # First: later, this process holds memory of the GPUs that those need.
    dealt = _race_replicas(config)
    model, views = step_speed.make(config)
    base = _pair(model, views)
    growth = {}
    for name in FACTORS:
        if name != "queue_size" or model.queues:
            growth[name] = _race_sizes(config, name, base)
            gc.collect()  # a model refers to itself by way of its functions
    if dealt:
        growth["replicas"] = dealt
    if config.picture:
        plots.save(scaling_figure.draw(growth, title(config)), config.picture, dpi=100)
        log.info("%s", config.picture)
    return growth


def points(config: BenchConfig, name: str) -> Points:
    """The runs that differ from `config` in the flag `name` alone, and itself."""

    def varied(value):
        point = dataclasses.replace(config, **{name: value})
        point.check_batch(1)
        return point

    values = [int(factor * getattr(config, name)) for factor in FACTORS[name]]
    return _possible(name, values, varied)


def figures(step_speed: Rate, floor: Rate, batch_size: int) -> dict[str, float]:
    """What is told of a point.

    Args:
        step: images a second.
        floor: the same of the passes alone, measured in turns with it.
        batch_size: images a step.
    """
    return {
        "milliseconds": 1000 * batch_size / step_speed.median,
        "floor_milliseconds": 1000 * batch_size / floor.median,
        "vs_floor": floor.over(step_speed),
        "images_per_second": step_speed.median,
        "spread": step_speed.spread,
    }


def title(config: BenchConfig) -> str:
    """Of what the step is, and where it ran."""
    where = ", ".join(machine.describe()["gpus"]) or f"{machine.cores()} CPU cores"
    return (
        f"A training step of {config.method}, {config.backbone} of width "
        f"{config.width:g}, on {where}\nunless varied: batch {config.batch_size}, "
        f"{config.image_size} px, K {config.queue_size:,}, d {config.embedding_dim}"
    )


def _race_sizes(config, name, base: Pair) -> dict[str, dict[str, float]]:
    """One model a point, all alive until the race is over; `base` is the config's."""
    runs = points(config, name)

    def pair(value):
        return base if runs[value] == config else _pair(*step_speed.make(runs[value]))

    return _race(config, name, runs, _possible(name, runs, pair))


def _race_replicas(config) -> dict[str, dict[str, float]]:
    counts = scaling_replicas.counts()
    runs = _possible(
        "replicas", counts, lambda count: scaling_replicas.run_on(config, count)
    )
    with scaling_replicas.served(runs) as pairs:
        return _race(config, "replicas", runs, pairs)


def _race(config, name, runs: Points, pairs: Mapping[int, Pair]):
    log.info("%s: %s", name, ", ".join(map(str, pairs)))
    contenders = {
        (value, kind): run
        for value, pair in pairs.items()
        for kind, run in pair.items()
    }
    rates = timing.race(contenders, config.repeats, config.seconds)
    return {
        str(value): figures(
            rates[value, "step"], rates[value, "floor"], runs[value].batch_size
        )
        for value in pairs
    }


def _pair(model: SSLModel, views) -> Pair:
    return {
        "step": step_speed.trained(model, views),
        "floor": step_speed.floor(model, views),
    }


def _possible(name: str, values: Iterable[int], make: Callable) -> dict[int, Any]:
    """Value -> what is made of it, of the values that the run can have."""
    made = {}
    for value in values:
        try:
            made[value] = make(value)
        except UsageError as error:
            log.info("%s %d is left out: %s", name, value, error)
    return made


def _check_picture(path: pathlib.Path) -> None:
    """Refuses a place that cannot be written before minutes of work."""
    plots.check_folder(path.parent, "--picture")
    if path.is_dir():
        raise UsageError(f"--picture must be a file. Received: {path}, a folder")
