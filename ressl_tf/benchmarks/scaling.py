"""Scaling of a training step: its time over batch, image, queue and embedding size.

Each quantity is varied alone, around the flags' own values. All of its points, and the
lower bound of each (see `step_speed`), take turns in one benchmark. Replicas are in
`scaling_replicas`.
"""

import dataclasses
import gc
import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from ressl_tf.benchmarks import (
    scaling_figure,
    scaling_replicas,
    step_speed,
    timing,
)
from ressl_tf.benchmarks.timing import Candidate, Rate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.evaluate import plots
from ressl_tf.methods.base import SSLModel
from ressl_tf.runtime import host, machine
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
FACTORS = {  # on the config's own value
    "batch_size": (1 / 4, 1 / 2, 1, 2),
    "image_size": (1, 3 / 2, 2, 3),
    "queue_size": (1 / 4, 1, 8, 32),
    "embedding_dim": (1 / 2, 1, 2, 4),
}
Points = dict[int, BenchConfig]  # value of a quantity -> the run that has it
Pair = dict[str, Candidate]  # "step" and "lower_bound"
Scaling = dict[str, dict[str, dict[str, float]]]  # quantity -> value -> its figures


def measure(config: BenchConfig) -> Scaling:
    """Measure milliseconds of a step, and of its lower bound, at each value.

    A value that the run cannot have is left out, and so is the queue of a method that
    has none.

    Raises:
        UsageError: The config's own network, or the picture, cannot be made.
        RunError: A process with several replicas fails.
    """
    if config.output:
        _check_picture(pathlib.Path(config.output))
    tf.get_logger().setLevel("ERROR")  # it warns of a function for each model
    # First: later, this process holds memory of the GPUs that the replicas need.
    replicas = _benchmark_replicas(config)
    scaling = _benchmark_sizes(config)
    if replicas:
        scaling["replicas"] = replicas
    if config.output:
        plots.save(scaling_figure.draw(scaling, title(config)), config.output)
        log.info("%s", config.output)
    return scaling


def points(config: BenchConfig, name: str) -> Points:
    """Return the runs that differ from `config` in the flag `name`, and itself."""

    def varied(value):
        point = dataclasses.replace(config, **{name: value})
        point.check_batch(1)
        return point

    values = [int(factor * getattr(config, name)) for factor in FACTORS[name]]
    return _possible(name, values, varied)


def figures(step: Rate, lower_bound: Rate, batch_size: int) -> dict[str, float]:
    """Return the figures of a point.

    Args:
        step: Images a second.
        lower_bound: Images a second of the passes alone, measured in turns with it.
        batch_size: Images a step.
    """
    return {
        "milliseconds": 1000 * batch_size / step.median,
        "floor_milliseconds": 1000 * batch_size / lower_bound.median,
        "vs_floor": lower_bound.over(step),
        "images_per_second": step.median,
        "spread": step.spread,
    }


def title(config: BenchConfig) -> str:
    """Describe the step, and where it ran."""
    where = ", ".join(machine.describe()["gpus"]) or f"{host.cores()} CPU cores"
    return (
        f"A training step of {config.method}, {config.backbone} of width "
        f"{config.width:g}, on {where}\nunless varied: batch {config.batch_size}, "
        f"{config.image_size} px, K {config.queue_size:,}, d {config.embedding_dim}"
    )


def _benchmark_sizes(config) -> Scaling:
    """Measure all quantities but the replicas."""
    model, views = step_speed.make(config)
    base = _pair(model, views)
    scaling = {}
    for name in FACTORS:
        if name != "queue_size" or model.queues:
            scaling[name] = _benchmark_size(config, name, base)
            gc.collect()  # a model refers to itself by way of its functions
    return scaling


def _benchmark_size(config, name, base: Pair) -> dict[str, dict[str, float]]:
    """Measure one model a point, all alive to the end; `base` is the config's."""
    runs = points(config, name)

    def pair(value):
        return base if runs[value] == config else _pair(*step_speed.make(runs[value]))

    return _benchmark(config, name, runs, _possible(name, runs, pair))


def _benchmark_replicas(config) -> dict[str, dict[str, float]]:
    counts = scaling_replicas.counts()
    runs = _possible(
        "replicas", counts, lambda count: scaling_replicas.run_on(config, count)
    )
    with scaling_replicas.served(runs) as pairs:
        return _benchmark(config, "replicas", runs, pairs)


def _benchmark(config, name, runs: Points, pairs: Mapping[int, Pair]):
    log.info("%s: %s", name, ", ".join(map(str, pairs)))
    candidates = {
        (value, kind): run
        for value, pair in pairs.items()
        for kind, run in pair.items()
    }
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    return {
        str(value): figures(
            rates[value, "step"], rates[value, "lower_bound"], runs[value].batch_size
        )
        for value in pairs
    }


def _pair(model: SSLModel, views) -> Pair:
    return {
        "step": step_speed.training_step(model, views),
        "lower_bound": step_speed.lower_bound(model, views),
    }


def _possible(name: str, values: Iterable[int], make: Callable) -> dict[int, Any]:
    """Return value -> `make(value)`, without values that the run cannot have."""
    found = {}
    for value in values:
        try:
            found[value] = make(value)
        except UsageError as error:
            log.info("%s %d is left out: %s", name, value, error)
    return found


def _check_picture(path: pathlib.Path) -> None:
    """Refuse a path that cannot be written, before minutes of work."""
    plots.check_folder(path.parent, "--picture")
    if path.is_dir():
        raise UsageError(f"--picture must be a file. Received: {path}, a folder")
