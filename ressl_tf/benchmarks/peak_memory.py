"""Print how far memory rises for one loss: `plain` or `blocks`."""

import json
import pathlib
import re
import sys
from collections.abc import Callable

import tensorflow as tf

from ressl_tf.benchmarks import loss_speed
from ressl_tf.runtime import host

PROCESS = pathlib.Path("/proc/self")


def rise(work: Callable[[], object]) -> int | None:
    """Return the bytes by which `work()` raises memory at its peak; None if unknown.

    Where the system cannot start its mark of the peak anew, as Linux can, they are
    those above any earlier peak.
    """
    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.reset_memory_stats("GPU:0")
        before = tf.config.experimental.get_memory_info("GPU:0")["current"]
        work()
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] - before
    try:
        (PROCESS / "clear_refs").write_text("5")  # the high-water mark starts anew
    except OSError:
        peak = host.peak_memory()
        work()
        return None if peak is None else (host.peak_memory() or peak) - peak
    before = _resident("VmRSS")
    work()
    return _resident("VmHWM") - before


def _resident(entry) -> int:
    status = (PROCESS / "status").read_text()
    (kilobytes,) = re.findall(rf"{entry}:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def main() -> None:
    """Print the bytes for the form that the command line names."""
    form = sys.argv[1]
    batch, queue_size, dim = loss_speed.SIZES[-1]
    warm_up = loss_speed.candidate(form, batch, 2 * batch, dim)
    warm_up(0.0)  # code and threads are loaded
    candidate = loss_speed.candidate(form, batch, queue_size, dim)
    print(json.dumps(rise(lambda: candidate(0.0))))


if __name__ == "__main__":
    main()
