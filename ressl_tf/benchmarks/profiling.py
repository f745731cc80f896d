"""Write traces for TensorBoard, and list the longest operations in them."""

import dataclasses
import logging
import pathlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ressl_tf.benchmarks.timing import Candidate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime import markdown

log = logging.getLogger("ressl_tf")
SHOWN = 12
WITHOUT_PYTHON = tf.profiler.experimental.ProfilerOptions(python_tracer_level=0)
WAITING = ("Iterator::", "MakeIterator", "BlockUntilReady", "MapAndBatch")
CALLERS = (  # they only call operations, which are listed themselves
    *("Executor", "Eager", "TFE_", "FunctionRun", "KernelAndDevice", "Instantiated"),
    *("__inference", "Validate", "ParallelMap", "Prefetch", "Thunk", "CpuExecutable"),
    *("cond", "while", "call"),
)


@dataclasses.dataclass
class _OpenEvent:
    """An event that has not ended yet; times in picoseconds."""

    end: int
    name: str
    own: int  # its duration without that of the events within it


def trace(config: BenchConfig, candidates: Mapping[str, Candidate]) -> None:
    """Trace each candidate, where `config` asks for traces.

    A trace lies in a folder of the candidate's name. The operations that took most of
    the time are logged.
    """
    if not config.profile:
        return
    for name, run in candidates.items():
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
    """Return the operations of a trace that took longest.

    A TensorFlow operation goes by its type, a kernel of XLA by its name. Operations
    that only call or wait are left out.

    Returns:
        (name, seconds without those of operations that it called, how often).
    """
    seconds: dict[str, float] = defaultdict(float)
    times: Counter[str] = Counter()
    for name, own in _operations(folder):
        kind = name.rpartition(":")[2].removeprefix("_Mkl")  # "block1/conv2:_MklConv2D"
        seconds[kind] += own
        times[kind] += 1
    longest_first = sorted(seconds, key=seconds.__getitem__, reverse=True)
    return [(kind, seconds[kind], times[kind]) for kind in longest_first[:SHOWN]]


def _operations(folder: pathlib.Path) -> Iterator[tuple[str, float]]:
    """Yield (name, seconds of its own) of the operations of the newest trace."""
    path = max(folder.rglob("*.xplane.pb"))  # folders are named by their time
    for plane in xplane_pb2.XSpace.FromString(path.read_bytes()).planes:
        names = {key: value.name for key, value in plane.event_metadata.items()}
        for line in plane.lines:
            for name, own in own_times(line.events, names):
                if not name.startswith((*WAITING, *CALLERS)):
                    yield name, own


def own_times(events, names: Mapping[int, str]) -> Iterator[tuple[str, float]]:
    """Yield (name, seconds without those of the events within it) of a thread's events.

    Args:
        events: Events of one thread.
        names: Number of a name -> name.
    """
    events = sorted(events, key=lambda e: (e.offset_ps, -e.duration_ps))
    stack: list[_OpenEvent] = []  # each within the one before
    for event in events:
        end = event.offset_ps + event.duration_ps
        while stack and stack[-1].end <= event.offset_ps:
            yield _close(stack)
        if stack:
            stack[-1].own -= event.duration_ps
        stack.append(_OpenEvent(end, names[event.metadata_id], event.duration_ps))
    while stack:
        yield _close(stack)


def _close(stack: list[_OpenEvent]) -> tuple[str, float]:
    event = stack.pop()
    return event.name, event.own / 1e12
