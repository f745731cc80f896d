"""A process that trains on so many devices: COUNT FLAGS...

Each replica takes its shard of the same global batch. Without GPUs the devices are
logical ones of the CPU, which share its cores: more of them cannot be faster, and the
difference is the cost of the strategy. TensorFlow takes devices only before it
computes: hence the processes.
"""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Iterator, Mapping

import tensorflow as tf

from ressl_tf.benchmarks import step_speed
from ressl_tf.benchmarks.remote import Remote, answer
from ressl_tf.benchmarks.timing import Candidate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.engine import devices
from ressl_tf.runtime import flags

COUNTS = (1, 2, 4)
KINDS = {
    "step": step_speed.training_step,
    "lower_bound": step_speed.lower_bound,
}


def counts() -> tuple[int, ...]:
    """Return the numbers of replicas to try: on GPUs, no more than there are."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return tuple(count for count in COUNTS if count <= (gpus or max(COUNTS)))


def run_on(config: BenchConfig, count: int) -> BenchConfig:
    """Return the same run on `count` devices.

    Raises:
        UsageError: They cannot share its batch, or its flags ask for other devices.
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
) -> Iterator[dict[int, dict[str, Candidate]]]:
    """Start a process for each count of devices.

    Args:
        runs: Count of devices -> run.

    Yields:
        Count -> candidates of its process: the step and its lower bound.
    """
    module = "ressl_tf.benchmarks.scaling_replicas"
    remotes: dict[int, Remote] = {}
    try:
        for count, run in runs.items():
            command = [sys.executable, "-m", module, str(count), *flags.arguments(run)]
            remotes[count] = Remote(command, f"of {count} replicas")
        yield {count: _kinds(remote) for count, remote in remotes.items()}
    finally:
        for remote in remotes.values():
            remote.close()


def _kinds(remote) -> dict[str, Candidate]:
    return {kind: functools.partial(_turn, remote=remote, kind=kind) for kind in KINDS}


def _turn(seconds, remote, kind) -> float:
    return remote(seconds, kind)


def main() -> None:
    """Serve the step and its lower bound on so many devices."""
    count, *arguments = sys.argv[1:]
    gpus = tf.config.list_physical_devices("GPU")[: int(count)]
    tf.config.set_visible_devices(gpus, "GPU")  # whose memory `open_strategy` shares
    config = flags.parse(BenchConfig, arguments)
    model, views = step_speed.make(config, devices.open_strategy(config))
    candidates = {kind: make(model, views) for kind, make in KINDS.items()}
    answer(lambda seconds, kind: candidates[kind](seconds))


if __name__ == "__main__":
    main()
