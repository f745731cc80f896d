"""Figures read from the benchmark's traces."""

import pytest
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ressl_tf.benchmarks import profiling, timing
from ressl_tf.config.bench_config import BenchConfig

MICRO = 10**6  # picoseconds


def space(*threads):
    """Return a trace of threads, which are lists of (name, start, microseconds)."""
    trace = xplane_pb2.XSpace()
    plane = trace.planes.add()
    numbers = {}
    for thread in threads:
        line = plane.lines.add()
        for name, start, length in thread:
            number = numbers.setdefault(name, len(numbers) + 1)
            plane.event_metadata[number].name = name
            line.events.add(
                metadata_id=number, offset_ps=start * MICRO, duration_ps=length * MICRO
            )
    return trace


def written(folder, *threads):
    path = folder / "plugins" / "vm.xplane.pb"
    path.parent.mkdir(parents=True)
    path.write_bytes(space(*threads).SerializeToString())
    return folder


def test_an_event_has_the_time_that_those_within_it_leave():
    (plane,) = space(
        [("late", 50, 5), ("outer", 0, 40), ("in", 10, 20), ("deep", 12, 3)],
    ).planes
    names = {key: value.name for key, value in plane.event_metadata.items()}
    (line,) = plane.lines
    own = {name: s * 1e6 for name, s in profiling.own_times(line.events, names)}
    assert own == pytest.approx({"outer": 20, "in": 17, "deep": 3, "late": 5})


def test_operations_go_by_their_type_and_the_longest_come_first(tmp_path):
    one = [("a/conv:_MklConv2D", 0, 30), ("b/conv:Conv2D", 30, 40), ("c:Relu", 80, 10)]
    other = [("wrapped_copy", 0, 50), ("Iterator::Root::Map", 60, 900)]
    other += [("BlockUntilReady", 970, 800), ("ExecutorState::Process", 1800, 70)]
    longest = profiling.longest(written(tmp_path, one, other))
    assert [name for name, _, _ in longest] == ["Conv2D", "wrapped_copy", "Relu"]
    assert [times for _, _, times in longest] == [2, 1, 1]
    assert [s * 1e6 for _, s, _ in longest] == pytest.approx([70, 50, 10])


def test_a_trace_is_written_where_it_is_asked_for(tmp_path, caplog):
    square = tf.random.stateless_normal([64, 64], (0, 0))
    product = tf.function(lambda: tf.linalg.matmul(square, square))
    run = timing.repeated(lambda: int(product().shape[0]))
    run(0.01)
    folder = tmp_path / "traces"
    with caplog.at_level("INFO", "ressl_tf"):
        profiling.trace(BenchConfig(profile=str(folder), seconds=0.05), {"square": run})
        profiling.trace(BenchConfig(seconds=0.05), {"square": run})
    assert len(list(folder.rglob("*.xplane.pb"))) == 1
    assert "MatMul" in [name for name, _, _ in profiling.longest(folder / "square")]
    assert "| MatMul " in caplog.text
