"""Switches of the process that TensorFlow reads when it is loaded."""

import os

XLA_PASS = "--xla_disable_hlo_passes"


def set_switches() -> None:
    """Set the environment variables that make views fast on CPUs.

    The package calls it when it is imported, before TensorFlow is loaded.

    `XLA_FLAGS`: XLA compiles each kernel of a view for one thread. A pipeline makes as
    many images at a time as there are cores; threads that share an image then wait for
    each other, and views take 1.2 to 1.7 times as long. On CPUs nothing but views goes
    through XLA by itself. Passes that the user has disabled there stay as they are.

    `TF_ENABLE_ONEDNN_OPTS` is left to TensorFlow and to the user.
    """
    os.environ["XLA_FLAGS"] = one_thread_each(os.environ.get("XLA_FLAGS", ""))


def one_thread_each(flags: str) -> str:
    """Return XLA's flags such that no kernel for CPUs is split over threads."""
    if XLA_PASS in flags:
        return flags
    return f"{flags} {XLA_PASS}=cpu-parallel-task-assigner".strip()
