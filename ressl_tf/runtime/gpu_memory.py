"""How much of a GPU's memory this process takes.

TensorFlow takes all of it at once, so that nothing else runs beside it. Here it grows
as it is needed, or has a limit.
"""

import os

import tensorflow as tf

from ressl_tf.runtime.errors import UsageError

GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"  # TensorFlow's own switch, if the user has set it


def share(limit: int) -> None:
    """Let the memory of every GPU grow, or end at a limit, before one is used.

    Args:
        limit: MiB of each GPU; 0 for none.

    Raises:
        UsageError: the process has used its GPUs with other settings.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            if limit:
                part = tf.config.LogicalDeviceConfiguration(memory_limit=limit)
                tf.config.set_logical_device_configuration(gpu, [part])
            elif GROWTH not in os.environ:
                tf.config.experimental.set_memory_growth(gpu, True)
        except (RuntimeError, ValueError):  # it is in use, or was configured before
            if limit:
                raise UsageError(
                    "--gpu_memory_limit cannot change once the GPUs are in use: give "
                    f"it to the first run of the process. Received: {limit}"
                ) from None
