"""The distribution strategy of a run, from its flags."""

import logging

from ressl_tf.config import Config
from ressl_tf.engine import precision
from ressl_tf.runtime import distribute, gpu_memory, rendezvous
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")


def open_strategy(config: Config) -> distribute.Strategy:
    """Open the strategy of a run, before anything else of TensorFlow is used.

    Raises:
        UsageError: the devices are not there, or the batch cannot be scattered to them.
        RunError: not all workers came to the rendezvous.
    """
    gpu_memory.share(config.gpu_memory_limit)
    if config.logical_devices:
        distribute.split_cpu(config.logical_devices)
    name = config.resolved_strategy
    workers = _workers(config) if name == "multiworker" else None
    strategy = distribute.strategy(name, workers, config.tpu)
    config.check_batch(strategy.num_replicas_in_sync)
    if distribute.worker(strategy)[0]:
        log.setLevel(logging.ERROR)  # the chief alone reports
    return strategy


def augments_on_device(config: Config, strategy: distribute.Strategy) -> bool:
    """Return whether a run finalizes its views in the step, by `--augment_on`."""
    if config.augment_on == "auto":
        return distribute.on_gpus(strategy)
    return config.augment_on == "device"


def announce(config: Config, strategy: distribute.Strategy) -> None:
    """Log which devices compute, once it is certain that they will."""
    replicas, (_, workers) = strategy.num_replicas_in_sync, distribute.worker(strategy)
    machines = f", {workers} workers" if workers > 1 else ""
    log.info("replicas: %d on %s%s", replicas, distribute.devices(), machines)
    if precision.emulated(config.mixed_precision):
        log.warning(
            "this CPU has no instructions for %s: steps are slower than in float32; "
            "leave out --mixed_precision",
            config.mixed_precision,
        )
    if config.batch_norm == "shuffle" and replicas * config.gradient_accumulation == 1:
        log.warning(
            "--batch_norm=shuffle changes nothing on one device; "
            "--gradient_accumulation=8 does what 8 devices would"
        )


def _workers(config: Config) -> rendezvous.Cluster:
    if config.coordinator_address:
        return rendezvous.rendezvous(
            config.coordinator_address, config.num_workers, config.worker_index
        )
    workers = rendezvous.from_environment()
    if workers is None:
        raise UsageError(
            "--strategy=multiworker needs TF_CONFIG, or --coordinator_address, "
            "--num_workers and --worker_index"
        )
    return workers
