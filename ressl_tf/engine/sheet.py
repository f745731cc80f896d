"""The reproducibility sheet of a run: what its bits depend on."""

import os
import platform
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from ressl_tf.runtime import machine, package_state

ENVIRONMENT = (  # besides ONEDNN_MAX_CPU_ISA
    *("TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "OMP_NUM_THREADS"),
    *("TF_DETERMINISTIC_OPS", "NVIDIA_TF32_OVERRIDE"),
)
PASSING = ("load", "memory_gib")  # of the machine; they change no bit


def describe(seed: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return package, versions, processor, kernels, threads, switches, seed, data.

    Args:
        seed: of the run.
        data: fingerprint of what it learns from.
    """
    of_machine = {n: v for n, v in machine.describe().items() if n not in PASSING}
    return {
        "package": package_state.describe(),
        "system": platform.platform(),
        **of_machine,
        "threads": threads(),
        "environment": {n: os.environ[n] for n in ENVIRONMENT if n in os.environ},
        "seed": seed,
        "data": dict(data),
    }


def threads() -> dict[str, int]:
    """Return TensorFlow's threads in and between operations; 0 for all cores."""
    return {
        "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
    }
