"""NVIDIA GPUs that the machine has and TensorFlow does not find."""

import os
import pathlib
import re
import shutil
import subprocess

SIGNS = (pathlib.Path("/dev/nvidia0"), pathlib.Path("/proc/driver/nvidia"))
TOOL = "nvidia-smi"
TOOL_SECONDS = 10.0  # a driver that hangs is one that is there


def idle_gpu_warning() -> str:
    """Return a line about a GPU that TensorFlow leaves idle; empty where it does not.

    One that is hidden by CUDA_VISIBLE_DEVICES is idle on purpose. TensorFlow is loaded.
    """
    import tensorflow as tf

    found = [device.device_type for device in tf.config.list_physical_devices()]
    if {"GPU", "TPU"} & set(found) or _hidden() or not _has_nvidia():
        return ""
    what = "finds none" if tf.test.is_built_with_cuda() else "is built without CUDA"
    how = "pip install 'tensorflow[and-cuda]'"
    if os.name == "nt":
        what, how = "finds none on Windows", f"in WSL2, {how}"
    return (
        f"this machine has an NVIDIA GPU, but TensorFlow {what} and computes on the "
        f"CPU: {how} (CUDA_VISIBLE_DEVICES=-1 if you want the CPU)"
    )


def _hidden() -> bool:
    """Return whether the user, or a scheduler, lets this process see no GPU."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible is not None and not re.match(r"\s*(\d|GPU-|MIG-)", visible)


def _has_nvidia() -> bool:
    if any(path.exists() for path in SIGNS):
        return True
    if not shutil.which(TOOL):
        return False
    command = [TOOL, "-L"]  # lists the GPUs
    try:
        done = subprocess.run(command, capture_output=True, timeout=TOOL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    return done.returncode == 0
