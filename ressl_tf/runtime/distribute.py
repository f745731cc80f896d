"""Strategies by name, and the operations of a step across replicas.

The only importer of `tf.distribute`. On one device every operation is the identity.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from ressl_tf.runtime import leaving, rendezvous
from ressl_tf.runtime.errors import UsageError

Strategy: TypeAlias = tf.distribute.Strategy
Iterator = tf.distribute.DistributedIterator
STRATEGIES = ("auto", "one", "mirrored", "multiworker", "tpu")
HEARTBEAT_SECONDS = 30  # a worker that is silent for so long is given up


def strategy(
    name: str, workers: rendezvous.Cluster | None = None, tpu: str = ""
) -> Strategy:
    """Return the strategy called `name`.

    Args:
        name: "one" (the first GPU, or the CPU), "mirrored" (all GPUs, or all logical
            CPUs), "auto" (mirrored where there is more than one of these, else one),
            "multiworker" (all GPUs, or the CPU, of all `workers`; must be made before
            TensorFlow computes anything) or "tpu".
        workers: the processes of "multiworker".
        tpu: name or address for "tpu"; "local" on a TPU VM.

    Raises:
        UsageError: for another name, no workers for "multiworker", or no such TPU.
    """
    if name not in STRATEGIES:
        raise UsageError(
            f"--strategy must be one of {', '.join(STRATEGIES)}. Received: {name}"
        )
    if name == "multiworker":
        return _multi_worker(workers)
    if name == "tpu":
        return _tpu(tpu)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def split_cpu(count: int) -> None:
    """Split the CPU into `count` logical devices, before TensorFlow computes anything.

    Raises:
        UsageError: TensorFlow has already started with another number of them.
    """
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * count
    try:
        tf.config.set_logical_device_configuration(cpu, logical)
    except RuntimeError:
        existing = len(tf.config.list_logical_devices("CPU"))
        if existing != count:
            raise UsageError(
                "--logical_devices cannot change in a running process: there are "
                f"{existing}. Received: {count}"
            ) from None


def _multi_worker(workers: rendezvous.Cluster | None) -> Strategy:
    """Connect to the workers; heartbeats end all when one is silent or dead."""
    if workers is None:
        raise UsageError("--strategy=multiworker needs the addresses of its workers")
    job = coordination_config_pb2.CoordinatedJob(
        name="worker", num_tasks=len(workers.workers)
    )
    context.context().configure_coordination_service(
        "standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        cluster_register_timeout_in_ms=round(1000 * rendezvous.RENDEZVOUS_SECONDS),
        coordinated_jobs=[job],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.workers)}),
        task_type="worker",
        task_id=workers.index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    try:
        made = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except RuntimeError as error:  # collectives are configured before all else
        raise UsageError(
            f"--strategy=multiworker needs a process of its own ({error})"
        ) from None
    if len(workers.workers) > 1:
        leaving.among_workers()
    return made


def _tpu(name: str) -> Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(name)
    except (ValueError, tf.errors.OpError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UsageError(f"no TPU there. Received: --tpu={name} ({reason})") from None
    return tf.distribute.TPUStrategy(resolver)


def on_gpus(strategy: Strategy) -> bool:
    """Tell whether steps run on GPUs: every strategy but a TPU's uses what it finds."""
    on_tpu = isinstance(strategy, tf.distribute.TPUStrategy)
    return bool(tf.config.list_logical_devices("GPU")) and not on_tpu


def devices() -> str:
    """Describe the devices of this process for a person."""
    names = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices()
    return ", ".join(device.name.removeprefix("/device:") for device in names)


def worker(strategy: Strategy) -> tuple[int, int]:
    """Return the index of this worker (0 is the chief) and how many there are."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    return resolver.task_id, resolver.cluster_spec().num_tasks("worker")


def feed(
    strategy: Strategy, batches: tf.data.Dataset
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Turn this worker's shards of the global batches into what `fit` takes.

    Args:
        strategy: the model's.
        batches: this worker's shard of each global batch; it is scattered to the
            worker's replicas.
    """
    count = worker(strategy)[1]
    if count == 1:
        return batches  # `fit` scatters them
    replicas = strategy.num_replicas_in_sync // count
    if replicas > 1:
        shapes = tf.nest.flatten(batches.element_spec)
        batches = batches.rebatch(shapes[0].shape[0] // replicas, drop_remainder=True)
    return strategy.distribute_datasets_from_function(lambda _: batches)


def scatter(strategy: Strategy, batch: dict[str, tf.Tensor]) -> dict[str, Any]:
    """Place the shards of a global batch on their devices, for `strategy.run`.

    Args:
        strategy: of one process; its replicas divide the batch.
        batch: name -> [batch, ...]; replica r of R gets the r-th of R equal shards.
    """
    count = strategy.num_replicas_in_sync
    if count == 1:
        return batch

    def shard(context):
        index = context.replica_id_in_sync_group
        with tf.device(strategy.extended.worker_devices[index]):
            return {
                name: tf.identity(tf.split(values, count)[index])
                for name, values in batch.items()
            }

    return strategy.experimental_distribute_values_from_function(shard)


def run(strategy: Strategy, step: Callable, data: Any) -> Any:
    """Run `step` on every replica; it must return the same on all."""
    results = strategy.run(step, args=(data,))
    if strategy.num_replicas_in_sync == 1:
        return results
    return tf.nest.map_structure(
        lambda value: strategy.experimental_local_results(value)[0], results
    )


# Inside a step.


def num_replicas() -> int:
    """Return the number of replicas of the current strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id() -> tf.Tensor | int:
    """Return the index of the replica that this code runs on; 0 outside a replica."""
    replica = tf.distribute.get_replica_context()
    return replica.replica_id_in_sync_group if replica else 0


def replica() -> tf.Tensor | None:
    """Return (index, count) of this replica, int32 [2]; None if there is only one."""
    count = num_replicas()
    return tf.stack([replica_id(), count]) if count > 1 else None


def gather(values: tf.Tensor) -> tf.Tensor:
    """Concatenate `values` of all replicas along axis 0, in replica order."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_gather(values, axis=0)


def local_shard(values: tf.Tensor) -> tf.Tensor:
    """Return this replica's shard of `values` along axis 0; `gather` is its inverse."""
    if num_replicas() == 1:
        return values
    count = values.shape[0] or tf.shape(values)[0]
    size = count // num_replicas()
    return values[replica_id() * size :][:size]


def mean(values: tf.Tensor) -> tf.Tensor:
    """Average `values` over replicas."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce("MEAN", values)


def total(values: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Sum each of `values` over replicas."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce("SUM", list(values))


def update_each(
    function: Callable[..., None],
    variables: Sequence[keras.Variable],
    *values: Sequence[tf.Tensor],
) -> None:
    """Call `function(variable, *value)` on each replica's copy of the variables.

    Args:
        function: assigns to the `tf.Variable` it is given.
        variables: Keras variables.
        values: sequences as long as `variables`; each replica passes its own.
    """
    native = [variable.value for variable in variables]

    def update(distribution, *values):
        for variable, *arguments in zip(native, *values, strict=True):
            distribution.extended.update(
                variable, function, args=tuple(arguments), group=False
            )

    tf.__internal__.distribute.interim.maybe_merge_call(
        update, tf.distribute.get_strategy(), *values
    )


def assign_each(
    variables: Sequence[keras.Variable], values: Sequence[tf.Tensor]
) -> None:
    """Assign to each replica's copy of the variables the values that it passes."""
    update_each(_assign, variables, values)


def _assign(variable: tf.Variable, value: tf.Tensor) -> None:
    variable.assign(value)
