"""Describe the machine that figures are measured on."""

import importlib.metadata
import os
import platform
from typing import Any

import tensorflow as tf

PACKAGES = ("tensorflow", "keras", "keras-cv", "torch", "torchvision", "opencv-python")


def describe() -> dict[str, Any]:
    """Return processor, cores, memory in GiB, load, GPUs and versions."""
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "memory_gib": _memory(),
        "load": round(os.getloadavg()[0], 2),
        "gpus": [
            tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
            for gpu in tf.config.list_physical_devices("GPU")
        ],
        "python": platform.python_version(),
        "versions": _versions(),
    }


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _cpu() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2] for line in file if line.startswith("model n")]
    return names[0].strip() if names else platform.processor()


def _memory() -> float:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return round(size / 2**30, 1)


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
