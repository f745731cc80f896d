"""Describe the machine that a run or figures are made on."""

import importlib.metadata
import os
import platform
from typing import Any

import tensorflow as tf

from ressl_tf.runtime import host
from ressl_tf.runtime.kernels import cpu_kernels

PACKAGES = (
    *("tensorflow", "keras", "keras-cv", "numpy"),
    *("torch", "torchvision", "opencv-python"),  # peers
)


def describe() -> dict[str, Any]:
    """Return processor, kernels, cores, memory in GiB, load, GPUs and versions."""
    load, memory = host.load(), host.physical_memory()
    return {
        "cpu": host.processor(),
        "instructions": host.instructions(),
        "onednn_max_cpu_isa": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "cpu_kernels": cpu_kernels(),
        "cores": host.cores(),
        "memory_gib": round(memory / 2**30, 1) if memory else None,
        "load": None if load is None else round(load, 2),
        "gpus": [
            tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
            for gpu in tf.config.list_physical_devices("GPU")
        ],
        "python": platform.python_version(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
