"""The flags of devices: which there are, and how a step uses them."""

import dataclasses

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class DeviceFlags:
    """Where a run computes. docs/distributed.md says what is equal to what."""

    strategy: str = option(
        "auto",
        "Devices: one; mirrored (all of this machine); multiworker (those of several "
        "processes or machines, see --coordinator_address); tpu (see --tpu); auto: "
        "what the flags below ask for, else mirrored if there are several GPUs, else "
        "one.",
        group="devices",
        choices=("auto", "one", "mirrored", "multiworker", "tpu"),
        free=True,
    )
    logical_devices: int = option(
        0,
        "Number of devices to make of the CPU, to try out what several do; no faster. "
        "0: one.",
        low=0,
        high=64,
        free=True,
    )
    coordinator_address: str = option(
        "",
        "Address host:port of the rendezvous: worker 0 listens, the others connect. "
        "Empty: TF_CONFIG lists the workers.",
        free=True,
    )
    num_workers: int = option(
        0,
        "Number of processes of the run, with --coordinator_address; each takes all "
        "GPUs that it sees, or the CPU.",
        low=0,
        high=4096,
        free=True,
    )
    worker_index: int = option(
        0,
        "Number of this process, from 0: the chief, which alone writes and prints.",
        low=0,
        high=4095,
        free=True,
    )
    tpu: str = option(
        "",
        "Name or address of a TPU; local on a TPU VM. Not yet run on one.",
        free=True,
    )
    gpu_memory_limit: int = option(
        0,
        "Memory that is taken of each GPU, in MiB. 0: as much as is needed, as it is "
        "needed, so that other processes find room.",
        low=0,
        high=10_000_000,
        free=True,
    )
    mixed_precision: str = option(
        "none",
        "Type that the networks compute in; weights, losses and queue are float32. "
        "bfloat16 needs no care; float16 scales the loss and skips steps that "
        "overflow.",
        choices=("none", "bfloat16", "float16"),
    )
    jit_compile: str = option(
        "auto",
        "Compile the step with XLA. auto: on one GPU; on a CPU it makes the step of a "
        "ResNet about twice slower.",
        choices=("auto", "on", "off"),
        free=True,
    )
    augment_on: str = option(
        "auto",
        "Place where colours and blur of the views are changed. host: beside the "
        "steps, by the CPUs. device: in the step, so that the CPUs only decode and "
        "crop. auto: device on GPUs, else host. The views are the same, to rounding.",
        choices=("auto", "host", "device"),
        free=True,
    )
    gradient_accumulation: int = option(
        1,
        "Micro-batches that a device takes its shard of the batch in, to save memory. "
        "As if each were on a device of its own: batch statistics are those of a "
        "micro-batch.",
        low=1,
        high=1024,
    )
    steps_per_execution: int = option(
        1,
        "Steps in one execution, between two checks (progress, NaN). Higher saves time "
        "where steps take milliseconds.",
        low=1,
        high=10_000,
        free=True,
    )

    @property
    def resolved_strategy(self) -> str:
        """What `auto` stands for, by the flags alone; "auto" if the devices decide."""
        if self.strategy != "auto":
            return self.strategy
        if self.coordinator_address:
            return "multiworker"
        if self.tpu:
            return "tpu"
        return "mirrored" if self.logical_devices > 1 else "auto"

    def check_devices(self) -> None:
        """Refuse flags that contradict one another.

        Raises:
            UsageError: names them and says why.
        """
        name = self.resolved_strategy
        self._check_workers(name)
        if (name == "tpu") != bool(self.tpu):
            raise UsageError(
                "--strategy=tpu and --tpu=NAME go together. Received: "
                f"--strategy={self.strategy} --tpu={self.tpu}"
            )
        if self.logical_devices > 1 and name != "mirrored":
            raise UsageError(
                "--logical_devices are for --strategy=mirrored. Received: "
                f"--logical_devices={self.logical_devices} --strategy={self.strategy}"
            )
        if self.jit_compile == "on" and name in ("mirrored", "multiworker"):
            raise UsageError(
                "--jit_compile=on is for one device (a step that meets the others on "
                f"its way cannot be one XLA program). Received: --strategy={name}"
            )
        if self.jit_compile == "off" and name == "tpu":
            raise UsageError(
                "a TPU runs what XLA compiles. Received: --jit_compile=off"
            )
        if self.augment_on == "device" and name == "tpu":
            raise UsageError(
                "a TPU's programs are of fixed shapes, and what an image draws is not. "
                "Received: --augment_on=device"
            )
        if self.mixed_precision == "float16" and name == "tpu":
            raise UsageError(
                "a TPU computes in bfloat16. Received: --mixed_precision=float16"
            )

    def _check_workers(self, name):
        if bool(self.coordinator_address) != bool(self.num_workers):
            raise UsageError(
                "--coordinator_address and --num_workers go together. Received: "
                f"--coordinator_address={self.coordinator_address} "
                f"--num_workers={self.num_workers}"
            )
        if self.coordinator_address and name != "multiworker":
            raise UsageError(
                "--coordinator_address is for --strategy=multiworker. Received: "
                f"--strategy={self.strategy}"
            )
        if self.worker_index >= max(1, self.num_workers):
            raise UsageError(
                f"--worker_index is below --num_workers={self.num_workers}. "
                f"Received: {self.worker_index}"
            )
