"""Strategies by name and what a step does across replicas.

The only importer of `tf.distribute`. On one device everything here is the identity.
"""

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from ressl_tf.runtime import rendezvous
from ressl_tf.runtime.errors import RunError, UsageError

Strategy = tf.distribute.Strategy
Iterator = tf.distribute.DistributedIterator
STRATEGIES = ("auto", "one", "mirrored", "multiworker", "tpu")
HEARTBEAT_SECONDS = 30  # a worker that is silent for so long is given up
LOST = (  # what collectives raise when a peer is gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def strategy(
    name: str, workers: rendezvous.Cluster | None = None, tpu: str = ""
) -> Strategy:
    """The strategy called `name`.

    Args:
        name: "one" (the first GPU, or the CPU), "mirrored" (all GPUs, or all logical
            CPUs), "auto" (mirrored where there is more than one of these, else one),
            "multiworker" (all GPUs, or the CPU, of all `workers`; must be made before
            TensorFlow computes anything) or "tpu".
        workers: of "multiworker".
        tpu: name or address of "tpu"; "local" on a TPU VM.

    Raises:
        UsageError: for another name, or a TPU that is not there.
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
    """Makes `count` logical devices of the CPU; before TensorFlow computes anything.

    Raises:
        UsageError: it is too late for that.
    """
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError:
        there = len(tf.config.list_logical_devices("CPU"))
        if there != count:
            raise UsageError(
                "--logical_devices cannot change in a running process: there are "
                f"{there}. Received: {count}"
            ) from None


def _multi_worker(workers: rendezvous.Cluster) -> Strategy:
    """A silent or dead worker ends the others, by the heartbeats asked for here."""
    job = coordination_config_pb2.CoordinatedJob(
        name="worker", num_tasks=len(workers.workers)
    )
    context.context().configure_coordination_service(
        "standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_SECONDS,
        cluster_register_timeout_in_ms=round(1000 * rendezvous.MEET_SECONDS),
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
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except RuntimeError as error:  # collectives are configured before all else
        raise UsageError(
            f"--strategy=multiworker needs a process of its own ({error})"
        ) from None


def _tpu(name: str) -> Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(name)
    except (ValueError, tf.errors.OpError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UsageError(f"no TPU there. Received: --tpu={name} ({reason})") from None
    return tf.distribute.TPUStrategy(resolver)


def on_gpus(strategy: Strategy) -> bool:
    """Whether steps run on GPUs: all strategies but a TPU's take those there are."""
    on_tpu = isinstance(strategy, tf.distribute.TPUStrategy)
    return bool(tf.config.list_logical_devices("GPU")) and not on_tpu


def devices() -> str:
    """The devices there are, for people."""
    names = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices()
    return ", ".join(device.name.removeprefix("/device:") for device in names)


def worker(strategy: Strategy) -> tuple[int, int]:
    """Which worker this process is, from 0, the chief, and of how many."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    return resolver.task_id, resolver.cluster_spec().num_tasks("worker")


def feed(
    strategy: Strategy, batches: tf.data.Dataset
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """What `fit` takes: this worker's part of each global batch, dealt to its replicas.

    Args:
        strategy: of the model.
        batches: of this worker's part of the global batch.
    """
    count = worker(strategy)[1]
    if count == 1:
        return batches  # `fit` deals them
    replicas = strategy.num_replicas_in_sync // count
    if replicas > 1:
        shapes = tf.nest.flatten(batches.element_spec)
        batches = batches.rebatch(shapes[0].shape[0] // replicas, drop_remainder=True)
    return strategy.distribute_datasets_from_function(lambda _: batches)


def deal(strategy: Strategy, batch: dict[str, tf.Tensor]) -> dict[str, Any]:
    """A global batch in memory as `strategy.run` takes it, each part on its device.

    Args:
        strategy: of one process; its replicas divide the batch.
        batch: name -> [batch, ...]; replica r of R gets the r-th of R equal parts.
    """
    count = strategy.num_replicas_in_sync
    if count == 1:
        return batch

    def part(context):
        index = context.replica_id_in_sync_group
        with tf.device(strategy.extended.worker_devices[index]):
            return {
                name: tf.identity(tf.split(values, count)[index])
                for name, values in batch.items()
            }

    return strategy.experimental_distribute_values_from_function(part)


def run(strategy: Strategy, step: Callable, data: Any) -> Any:
    """Runs `step` on every replica; what it returns must be the same on all."""
    results = strategy.run(step, args=(data,))
    if strategy.num_replicas_in_sync == 1:
        return results
    return tf.nest.map_structure(
        lambda value: strategy.experimental_local_results(value)[0], results
    )


def broadcast(strategy: Strategy, variables: Sequence) -> None:
    """Gives the chief's values of Keras variables to all workers."""
    if worker(strategy)[1] == 1:
        return

    def on_replica():
        chief = tf.equal(replica_id(), 0)
        for kind in sorted({variable.dtype for variable in variables}):
            alike = [v for v in variables if v.dtype == kind]
            values = [tf.convert_to_tensor(variable) for variable in alike]
            own = [tf.where(chief, value, tf.zeros_like(value)) for value in values]
            sums = tf.distribute.get_replica_context().all_reduce("SUM", own)
            update_each(_assign, alike, sums)

    tf.function(lambda: strategy.run(on_replica), autograph=False)()


def wait_for_all(strategy: Strategy) -> None:
    """Returns when all workers have called it."""
    if worker(strategy)[1] == 1:
        return

    tf.function(lambda: strategy.run(lambda: gather(tf.zeros([1]))), autograph=False)()


@contextlib.contextmanager
def lost_workers_as_run_errors(strategy: Strategy) -> Generator[None]:
    """Turns what a lost peer causes into one line."""
    try:
        yield
    except LOST as error:
        index, count = worker(strategy)
        if count == 1:
            raise
        raise RunError(
            f"worker {index} of {count} lost another one ({type(error).__name__}); "
            "start all workers again: they go on from the last checkpoint"
        ) from None


# Inside a step.


def num_replicas() -> int:
    """Replicas of the current strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id() -> tf.Tensor | int:
    """Which replica this code runs on; 0 outside a replica."""
    replica = tf.distribute.get_replica_context()
    return replica.replica_id_in_sync_group if replica else 0


def replica() -> tf.Tensor | None:
    """Which replica this code runs on, of how many: int32 [2]; None if there is one."""
    count = num_replicas()
    return tf.stack([replica_id(), count]) if count > 1 else None


def gather(values: tf.Tensor) -> tf.Tensor:
    """Concatenates `values` of all replicas along axis 0, in replica order."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_gather(values, axis=0)


def own(values: tf.Tensor) -> tf.Tensor:
    """The replica's equal share of `values` along axis 0: what `gather` undoes."""
    if num_replicas() == 1:
        return values
    count = values.shape[0] or tf.shape(values)[0]
    share = count // num_replicas()
    return values[replica_id() * share :][:share]


def mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over replicas."""
    if num_replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce("MEAN", values)


def update_each(
    function: Callable[..., None], variables: Sequence, *values: Sequence
) -> None:
    """Calls `function(variable, *value)` on every replica's own copy.

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


def _assign(variable, value):
    variable.assign(value)
