"""Traces for TensorBoard, and what took the time in them."""

import logging
import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ressl_tf.benchmarks.timing import Contender
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime import markdown

log = logging.getLogger("ressl_tf")
SHOWN = 12
WITHOUT_PYTHON = tf.profiler.experimental.ProfilerOptions(python_tracer_level=0)
WAITING = ("Iterator::", "MakeIterator", "BlockUntilReady", "MapAndBatch")
CALLERS = (  # of what is named by itself
    *("Executor", "Eager", "TFE_", "FunctionRun", "KernelAndDevice", "Instantiated"),
    *(
        "__inference",
        "Validate",
        "ParallelMap",
        "Prefetch",
        "Thunk",
        "CpuExecutable",
        "cond",
        "while",
        "call",
    ),
)


def trace(config: BenchConfig, contenders: Mapping[str, Contender]) -> None:
    """A trace of each contender, where `config` asks for traces.

    Lies in a folder of its own name. The operations that took most of the time are
    logged.
    """
    if not config.profile:
        return
    for name, run in contenders.items():
        folder = pathlib.Path(config.profile) / name
        with tf.profiler.experimental.Profile(str(folder), WITHOUT_PYTHON):
            run(config.seconds)
        rows = [
            [operation, f"{1000 * seconds:,.1f}", f"{count:,}"]
            for operation, seconds, count in longest(folder)
        ]
        titles = [name, "ms, of all threads", "times"]
        log.info("\n%s", markdown.table(titles, rows))
    log.info("traces: tensorboard --logdir=%s", config.profile)


def longest(folder: pathlib.Path) -> list[tuple[str, float, int]]:
    """The operations of a trace that took longest: (name, seconds, how often).

    A TensorFlow operation goes by its type, a kernel of XLA by its name. The time is
    without that of what it called; operations that only call or wait are left out.
    """
    seconds, times = Counter(), Counter()
    path = max(folder.rglob("*.xplane.pb"))  # folders are named by their time
    for plane in xplane_pb2.XSpace.FromString(path.read_bytes()).planes:
        names = {key: value.name for key, value in plane.event_metadata.items()}
        for line in plane.lines:
            for name, own in own_times(line.events, names):
                if not name.startswith((*WAITING, *CALLERS)):
                    kind = name.rpartition(":")[2]  # of "block1/conv2:_MklConv2D"
                    kind = kind.removeprefix("_Mkl")  # by oneDNN
                    seconds[kind] += own
                    times[kind] += 1
    return [(kind, own, times[kind]) for kind, own in seconds.most_common(SHOWN)]


def own_times(events, names: Mapping[int, str]) -> Iterator[tuple[str, float]]:
    """Of a thread's events: (name, seconds without those of the events within it)."""
    events = sorted(events, key=lambda e: (e.offset_ps, -e.duration_ps))
    open_events = []  # [end, name, own time], each within the one before
    for event in events:
        end = event.offset_ps + event.duration_ps
        while open_events and open_events[-1][0] <= event.offset_ps:
            yield _closed(open_events)
        if open_events:
            open_events[-1][2] -= event.duration_ps
        open_events.append([end, names[event.metadata_id], event.duration_ps])
    while open_events:
        yield _closed(open_events)


def _closed(open_events) -> tuple[str, float]:
    _, name, own = open_events.pop()
    return name, own / 1e12
