"""The scaling benchmark: what is varied and what is reported."""

import contextlib
import dataclasses
import types
import weakref

import pytest
import tensorflow as tf
from helpers.benchmarking import changed

from ressl_tf.benchmarks import scaling, scaling_replicas, step_speed
from ressl_tf.benchmarks.timing import Rate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("batch_size", [16, 32, 64, 128]),
        ("image_size", [32, 48, 64, 96]),
        ("queue_size", [1024, 4096, 32768, 131072]),
        ("embedding_dim", [64, 128, 256, 512]),
    ],
)
def test_a_quantity_is_varied_alone_around_the_flags(name, values):
    config = BenchConfig(part="growth")
    runs = scaling.points(config, name)
    assert list(runs) == values
    for value, run in runs.items():
        assert getattr(run, name) == value
        assert changed(config, run) <= {name}
    assert runs[getattr(config, name)] == config


@pytest.mark.parametrize(
    ("flags", "name", "values"),
    [
        ({"batch_size": 6}, "batch_size", [3, 6, 12]),  # of 1 there are no statistics
        ({"batch_size": 6, "gradient_accumulation": 2}, "batch_size", [6, 12]),
        ({"image_size": 512}, "image_size", [512, 768, 1024]),
        ({"queue_size": 3}, "queue_size", [3, 24, 96]),
        ({"embedding_dim": 2}, "embedding_dim", [2, 4, 8]),
    ],
)
def test_values_that_a_run_cannot_have_are_left_out(flags, name, values):
    assert list(scaling.points(BenchConfig(**flags), name)) == values


def test_figures_of_a_point_are_of_its_rates():
    rates = Rate((40.0, 20.0, 80.0)), Rate((80.0, 80.0, 80.0))
    figures = scaling.figures(*rates, batch_size=8)
    assert figures == {
        "milliseconds": 200.0,  # of 8 images at 40 a second
        "floor_milliseconds": 100.0,
        "vs_floor": 2.0,  # rounds: 2, 4, 1
        "images_per_second": 40.0,
        "spread": pytest.approx(0.375),  # (60 - 30) / 2 / 40
    }


class Model:
    """A stand-in for a model, with or without a queue."""

    def __init__(self, queues):
        self.queues = queues


@pytest.fixture
def measured(monkeypatch):
    """Replace models by idle ones: 1 step a second, the passes twice as fast."""
    seen = types.SimpleNamespace(made=[], alive=[], benchmarks=[], queues=["keys"])
    references = []

    def make(config):
        model = Model(seen.queues)
        seen.alive.append(sum(reference() is not None for reference in references))
        references.append(weakref.ref(model))
        seen.made.append(config)
        return model, config.batch_size

    def benchmark(candidates, rounds, seconds):
        seen.benchmarks.append((list(candidates), rounds, seconds))
        return {key: Rate((run(seconds),)) for key, run in candidates.items()}

    @contextlib.contextmanager
    def served(runs):
        pair = {"step": lambda _: 5.0, "lower_bound": lambda _: 10.0}
        yield dict.fromkeys(runs, pair)

    def training_step(model, batch):
        return lambda _: (model and 1) * batch

    monkeypatch.setattr(step_speed, "make", make)
    monkeypatch.setattr(step_speed, "training_step", training_step)
    monkeypatch.setattr(
        step_speed, "lower_bound", lambda model, batch: lambda _: 2.0 * batch
    )
    monkeypatch.setattr(scaling.timing, "benchmark", benchmark)
    monkeypatch.setattr(scaling_replicas, "served", served)
    return seen


def test_each_quantity_is_one_benchmark_of_steps_and_lower_bounds(measured):
    config = BenchConfig(part="growth", batch_size=20, repeats=3, seconds=0.5)
    line = scaling.measure(config)
    assert list(line) == [*scaling.FACTORS, "replicas"]
    assert list(line["batch_size"]) == ["5", "10", "20", "40"]
    for batch, point in line["batch_size"].items():
        assert point == {
            "milliseconds": 1000.0,
            "floor_milliseconds": 500.0,
            "vs_floor": 2.0,
            "images_per_second": int(batch),
            "spread": 0.0,
        }
    assert line["image_size"]["96"]["images_per_second"] == 20
    assert list(line["replicas"]) == ["1", "2", "4"]
    assert line["replicas"]["4"]["milliseconds"] == 4000.0  # of 20 at 5 a second
    names, rounds, seconds = measured.benchmarks[1]
    assert names == [
        (b, kind) for b in (5, 10, 20, 40) for kind in ("step", "lower_bound")
    ]
    assert (rounds, seconds) == (3, 0.5)
    assert len(measured.benchmarks) == 5


@pytest.mark.slow
def test_replicas_that_cannot_share_the_batch_are_left_out(measured):
    config = BenchConfig(part="growth", batch_size=6)
    assert list(scaling.measure(config)["replicas"]) == ["1", "2"]
    none = dataclasses.replace(config, tpu="local")
    assert "replicas" not in scaling.measure(none)


def test_a_method_without_a_queue_has_no_size_of_it(measured):
    measured.queues = []
    line = scaling.measure(BenchConfig(part="growth", method="byol"))
    assert list(line) == ["batch_size", "image_size", "embedding_dim", "replicas"]


def test_the_models_of_a_quantity_are_gone_before_the_next(measured, monkeypatch):
    """The config's own is made once, and stays; what goes in circles is collected."""
    collected = []
    monkeypatch.setattr(
        scaling.gc, "collect", lambda: collected.append(len(measured.made))
    )
    config = BenchConfig(part="growth")
    scaling.measure(config)
    assert measured.made.count(config) == 1
    assert measured.alive == [0, *[1, 2, 3] * 4]
    assert collected == [4, 7, 10, 13]


def test_a_network_that_cannot_be_built_is_left_out(measured, monkeypatch):
    make = step_speed.make

    def limited(config):
        if config.image_size == 48:
            raise UsageError("patches of 32 px")
        return make(config)

    monkeypatch.setattr(step_speed, "make", limited)
    line = scaling.measure(BenchConfig(part="growth"))
    assert list(line["image_size"]) == ["32", "64", "96"]
    with pytest.raises(UsageError, match="patches of 32 px"):
        scaling.measure(BenchConfig(part="growth", image_size=48))


def test_a_picture_that_cannot_be_written_is_refused_at_once(measured, tmp_path):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--picture must be a file"):
        scaling.measure(BenchConfig(part="growth", output=f"{tmp_path}/a.png"))
    with pytest.raises(UsageError, match="--picture must be in a folder that can"):
        scaling.measure(BenchConfig(part="growth", output=f"{tmp_path}/file/a.png"))
    assert not measured.benchmarks


@pytest.mark.slow
def test_the_picture_is_written(measured, tmp_path):
    path = tmp_path / "new" / "growth.png"
    scaling.measure(BenchConfig(part="growth", output=str(path)))
    assert tf.io.decode_png(path.read_bytes()).shape[:2] == (864, 1440)
    assert [found.name for found in path.parent.iterdir()] == ["growth.png"]
