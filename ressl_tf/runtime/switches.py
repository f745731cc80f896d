"""Switches of the process that TensorFlow reads when it is loaded."""

import logging
import os
import sys

from ressl_tf.runtime.kernels import cpu_kernels

log = logging.getLogger("ressl_tf")
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
XLA_PASS = "--xla_disable_hlo_passes"


def set_switches() -> None:
    """Set the environment variables that make TensorFlow fast on CPUs.

    The package calls it when it is imported, before TensorFlow is loaded.

    `TF_ENABLE_ONEDNN_OPTS`: TensorFlow takes oneDNN's kernels by itself only on CPUs
    with AVX-512 VNNI, BF16 or AMX. With AVX2 alone a step takes 1.5 times as long
    without them. A value that the user has set stays.

    `XLA_FLAGS`: XLA compiles each kernel of a view for one thread. A pipeline makes as
    many images at a time as there are cores; threads that share an image then wait for
    each other, and views take 1.2 to 1.7 times as long. On CPUs nothing but views goes
    through XLA by itself. Passes that the user has disabled there stay as they are.
    """
    late = "tensorflow" in sys.modules and ONEDNN not in os.environ
    os.environ.setdefault(ONEDNN, "1")
    os.environ["XLA_FLAGS"] = one_thread_each(os.environ.get("XLA_FLAGS", ""))
    if late:
        _warn_if_slow()


def _warn_if_slow() -> None:
    if cpu_kernels() == "Eigen":
        log.warning(
            "TensorFlow was imported before ressl_tf and computes without oneDNN, "
            "up to twice as slowly on CPUs: import ressl_tf first, or set %s=1",
            ONEDNN,
        )


def one_thread_each(flags: str) -> str:
    """Return XLA's flags such that no kernel for CPUs is split over threads."""
    if XLA_PASS in flags:
        return flags
    return f"{flags} {XLA_PASS}=cpu-parallel-task-assigner".strip()
