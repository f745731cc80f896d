"""A process that trains on so many devices: COUNT FLAGS...

Each replica takes its part of the same global batch. Without GPUs the devices are
logical ones of the CPU, which share its cores: what more of them cost is the price of
the strategy, and none can be faster. Devices are made before TensorFlow computes:
hence the processes.
"""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Iterator, Mapping

import tensorflow as tf

from ressl_tf.benchmarks import step_speed
from ressl_tf.benchmarks.remote import Remote, answer
from ressl_tf.benchmarks.timing import Contender
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.engine import devices
from ressl_tf.runtime import flags

COUNTS = (1, 2, 4)
KINDS = {"step": step_speed.trained, "floor": step_speed.floor}


def counts() -> tuple[int, ...]:
    """How many replicas are tried: on GPUs, no more than there are."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return tuple(count for count in COUNTS if count <= (gpus or max(COUNTS)))


def run_on(config: BenchConfig, count: int) -> BenchConfig:
    """The same run on `count` devices.

    Raises:
        UsageError: they cannot share its batch, or its flags ask for other devices.
    """
    on_cpu = not tf.config.list_physical_devices("GPU")
    run = dataclasses.replace(
        config,
        strategy="mirrored" if count > 1 else "one",
        logical_devices=count if on_cpu else 0,
    )
    run.check_devices()
    run.check_batch(count)
    return run


@contextlib.contextmanager
def served(
    runs: Mapping[int, BenchConfig],
) -> Iterator[dict[int, dict[str, Contender]]]:
    """A process for each count of devices, which takes its steps and its floor."""
    module, remotes = "ressl_tf.benchmarks.scaling_replicas", {}
    try:
        for count, run in runs.items():
            command = [sys.executable, "-m", module, str(count), *flags.arguments(run)]
            remotes[count] = Remote(command, f"of {count} replicas")
        yield {count: _kinds(remote) for count, remote in remotes.items()}
    finally:
        for remote in remotes.values():
            remote.close()


def _kinds(remote) -> dict[str, Contender]:
    return {kind: functools.partial(_turn, remote=remote, kind=kind) for kind in KINDS}


def _turn(seconds, remote, kind) -> float:
    return remote(seconds, kind)


def main() -> None:
    count, *arguments = sys.argv[1:]
    gpus = tf.config.list_physical_devices("GPU")[: int(count)]
    tf.config.set_visible_devices(gpus, "GPU")
    for gpu in gpus:  # the processes share them
        tf.config.experimental.set_memory_growth(gpu, True)
    config = flags.parse(BenchConfig, arguments)
    model, views = step_speed.make(config, devices.open_strategy(config))
    contenders = {kind: make(model, views) for kind, make in KINDS.items()}
    answer(lambda seconds, kind: contenders[kind](seconds))


if __name__ == "__main__":
    main()
