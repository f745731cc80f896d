"""The growth of a step: what is varied, what is told of it, and its picture."""

import contextlib
import dataclasses
import json
import sys
import types
import weakref

import numpy as np
import pytest
import tensorflow as tf
from conftest import tiny_model

from ressl_tf import bench
from ressl_tf.benchmarks import (
    bench_report,
    scaling,
    scaling_figure,
    scaling_replicas,
    step_speed,
)
from ressl_tf.benchmarks import (
    remote as process,
)
from ressl_tf.benchmarks.timing import Rate
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime import command, distribute
from ressl_tf.runtime.errors import UsageError

SUMS = """
import sys
from ressl_tf.benchmarks.remote import answer
answer(lambda seconds, kind: seconds + {"step": 1, "floor": 2}[kind])
"""
POINT = {
    "milliseconds": 200.0,
    "floor_milliseconds": 100.0,
    "vs_floor": 0.5,
    "images_per_second": 40.0,
    "spread": 0.1,
}


def changed(config, other):
    """Names of the flags that differ, but those of devices."""
    fields = [field.name for field in dataclasses.fields(config)]
    return {name for name in fields if getattr(config, name) != getattr(other, name)}


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


def test_the_same_global_batch_is_dealt_to_devices():
    config = BenchConfig(part="growth", batch_size=12)
    one, two = scaling_replicas.run_on(config, 1), scaling_replicas.run_on(config, 2)
    assert (one.strategy, one.logical_devices) == ("one", 1)
    assert (two.strategy, two.logical_devices) == ("mirrored", 2)
    assert changed(config, two) == {"strategy", "logical_devices"}
    with pytest.raises(UsageError, match=r"multiple of 4 \(4 devices x 1 parts"):
        scaling_replicas.run_on(dataclasses.replace(config, batch_size=6), 4)
    with pytest.raises(UsageError, match="--jit_compile=on is for one device"):
        scaling_replicas.run_on(dataclasses.replace(config, jit_compile="on"), 2)
    with pytest.raises(UsageError, match="--strategy=tpu and --tpu"):
        scaling_replicas.run_on(dataclasses.replace(config, tpu="local"), 1)


def test_gpus_are_tried_as_far_as_there_are(monkeypatch):
    assert scaling_replicas.counts() == (1, 2, 4)
    gpus = ["GPU:0", "GPU:1", "GPU:2"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    assert scaling_replicas.counts() == (1, 2)
    run = scaling_replicas.run_on(BenchConfig(), 2)
    assert (run.strategy, run.logical_devices) == ("mirrored", 0)


@pytest.mark.slow
def test_a_process_serves_steps_and_its_floor(monkeypatch):
    commands = []

    def remote(command, name):
        commands.append((command, name))
        return process.Remote([sys.executable, "-c", SUMS], name)

    monkeypatch.setattr(scaling_replicas, "Remote", remote)
    config = BenchConfig(batch_size=12)
    with scaling_replicas.served({2: scaling_replicas.run_on(config, 2)}) as pairs:
        assert pairs[2]["step"](3.0) == 4.0
        assert pairs[2]["floor"](3.0) == 5.0
        assert pairs[2]["step"](0.5) == 1.5
    ((words, name),) = commands
    assert words[2:4] == ["ressl_tf.benchmarks.scaling_replicas", "2"]
    assert set(words[4:]) == {
        "--batch_size=12",
        "--strategy=mirrored",
        "--logical_devices=2",
    }
    assert name == "of 2 replicas"


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
    """Stands in for one: with or without a queue."""

    def __init__(self, queues):
        self.queues = queues


@pytest.fixture
def raced(monkeypatch):
    """Measures models that do nothing: 1 step a second, the passes twice as fast."""
    seen = types.SimpleNamespace(made=[], alive=[], races=[], queues=["keys"])
    references = []

    def make(config):
        model = Model(seen.queues)
        seen.alive.append(sum(reference() is not None for reference in references))
        references.append(weakref.ref(model))
        seen.made.append(config)
        return model, config.batch_size

    def race(contenders, rounds, seconds):
        seen.races.append((list(contenders), rounds, seconds))
        return {key: Rate((run(seconds),)) for key, run in contenders.items()}

    @contextlib.contextmanager
    def served(runs):
        pair = {"step": lambda _: 5.0, "floor": lambda _: 10.0}
        yield dict.fromkeys(runs, pair)

    def trained(model, batch):
        return lambda _: (model and 1) * batch

    monkeypatch.setattr(step_speed, "make", make)
    monkeypatch.setattr(step_speed, "trained", trained)
    monkeypatch.setattr(step_speed, "floor", lambda model, batch: lambda _: 2.0 * batch)
    monkeypatch.setattr(scaling.timing, "race", race)
    monkeypatch.setattr(scaling_replicas, "served", served)
    return seen


def test_each_quantity_is_one_race_of_steps_and_floors(raced):
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
    names, rounds, seconds = raced.races[1]
    assert names == [(b, kind) for b in (5, 10, 20, 40) for kind in ("step", "floor")]
    assert (rounds, seconds) == (3, 0.5)
    assert len(raced.races) == 5


def test_replicas_that_cannot_share_the_batch_are_left_out(raced):
    config = BenchConfig(part="growth", batch_size=6)
    assert list(scaling.measure(config)["replicas"]) == ["1", "2"]
    none = dataclasses.replace(config, tpu="local")
    assert "replicas" not in scaling.measure(none)


def test_a_method_without_a_queue_has_no_size_of_it(raced):
    raced.queues = []
    line = scaling.measure(BenchConfig(part="growth", method="byol"))
    assert list(line) == ["batch_size", "image_size", "embedding_dim", "replicas"]


def test_the_models_of_a_quantity_are_gone_before_the_next(raced, monkeypatch):
    """The config's own is made once, and stays; what goes in circles is collected."""
    collected = []
    monkeypatch.setattr(
        scaling.gc, "collect", lambda: collected.append(len(raced.made))
    )
    config = BenchConfig(part="growth")
    scaling.measure(config)
    assert raced.made.count(config) == 1
    assert raced.alive == [0, *[1, 2, 3] * 4]
    assert collected == [4, 7, 10, 13]


def test_a_network_that_cannot_be_built_is_left_out(raced, monkeypatch):
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


def test_results_of_all_replicas_are_returned(mirrored):
    """What only some return would be computed by those alone."""
    model = types.SimpleNamespace(distribute_strategy=mirrored, jit_compile=True)
    data = distribute.scatter(
        mirrored, {"weak": tf.range(6), "strong": tf.range(6) * 10}
    )
    function = step_speed.on_replicas(
        model, lambda own: (own["weak"], [own["strong"] + 1])
    )
    weak, (strong,) = function(data)
    assert [part.numpy().tolist() for part in weak] == [[0, 1, 2], [3, 4, 5]]
    assert [part.numpy().tolist() for part in strong] == [[1, 11, 21], [31, 41, 51]]
    parts = mirrored.experimental_local_results(data["weak"])
    assert [part.device[-5:] for part in parts] == ["CPU:0", "CPU:1"]


def test_one_device_gets_the_batch_as_it_is():
    batch = {"weak": tf.range(4)}
    assert distribute.scatter(distribute.strategy("one"), batch) is batch
    model = types.SimpleNamespace(
        distribute_strategy=distribute.strategy("one"), jit_compile=True
    )
    (doubled,) = step_speed.on_replicas(model, lambda own: own["weak"] * 2)(batch)
    assert doubled.numpy().tolist() == [0, 2, 4, 6]


def test_what_meets_others_on_its_way_is_not_compiled(mirrored, monkeypatch):
    asked = []
    monkeypatch.setattr(
        tf, "function", lambda _, jit_compile: asked.append(jit_compile)
    )
    for strategy in (mirrored, distribute.strategy("one")):
        model = types.SimpleNamespace(distribute_strategy=strategy, jit_compile=True)
        step_speed.on_replicas(model, len)
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {"picture": "a.png"},
            "is of --part=growth. Received: --picture=a.png --part=a",
        ),
        ({"part": "step", "picture": "a.png"}, "Received: --picture=a.png --part=step"),
        ({"part": "growth", "picture": "a.svg"}, "a .png file. Received: a.svg"),
        ({"part": "growth", "picture": "png"}, "a .png file. Received: png"),
        (
            {"part": "growth", "method": "rgrl", "dataset": "graph:/a.npz"},
            "images, .* Received: --dataset=graph:/a.npz",
        ),
    ],
)
def test_flags_of_growth_that_cannot_be(flags, said):
    with pytest.raises(UsageError, match=said):
        BenchConfig(**flags)


def test_a_picture_that_cannot_be_written_is_refused_at_once(raced, tmp_path):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--picture must be a file"):
        scaling.measure(BenchConfig(part="growth", picture=f"{tmp_path}/a.png"))
    with pytest.raises(UsageError, match="--picture must be in a folder that can"):
        scaling.measure(BenchConfig(part="growth", picture=f"{tmp_path}/file/a.png"))
    assert not raced.races


def test_all_parts_do_not_take_minutes():
    assert "growth" not in BenchConfig().parts
    assert BenchConfig(part="growth").parts == ("growth",)


def test_a_quantity_is_a_table_of_its_points():
    page = bench_report.table(
        "growth", {"batch_size": {"16": POINT}, "replicas": {"1": {}}}
    )
    first, second = page.split("\n\n")
    titles = first.splitlines()[0]
    assert titles.startswith("| growth: batch_size | milliseconds | floor_milliseconds")
    assert first.splitlines()[2].startswith("| 16                 | 200          | 100")
    assert second.startswith("| growth: replicas |")
    mixed = bench_report.table("machine", {"cores": 2, "versions": {"keras": "3"}})
    assert "| versions | keras 3 |" in mixed.replace("  ", "")


def test_the_picture_has_a_panel_a_quantity_on_one_scale():
    slower = {**POINT, "milliseconds": 800.0, "floor_milliseconds": 300.0}
    two = {"16": POINT, "32": slower}
    line = {"batch_size": two, "queue_size": {"1024": POINT, "4096": POINT}}
    batch, queue, *others = scaling_figure.draw(line, "of what").axes
    floor, curve = batch.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[16, 200], [32, 800]])
    np.testing.assert_array_equal(floor.get_xydata(), [[16, 100], [32, 300]])
    assert (curve.get_linestyle(), floor.get_linestyle()) == ("-", "--")
    band = batch.collections[0].get_paths()[0].vertices
    assert {(16, 180), (16, 220), (32, 720), (32, 880)} <= {
        (round(x), round(y)) for x, y in band
    }
    assert (batch.get_xscale(), batch.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in queue.get_xticklabels()] == ["1,024", "4,096"]
    assert batch.get_ylim() == queue.get_ylim()
    assert not any(cell.axison for cell in others)


def test_the_picture_is_written(raced, tmp_path):
    path = tmp_path / "new" / "growth.png"
    scaling.measure(BenchConfig(part="growth", picture=str(path)))
    assert tf.io.decode_png(path.read_bytes()).shape[:2] == (540, 900)
    assert [found.name for found in path.parent.iterdir()] == ["growth.png"]


@pytest.mark.slow
def test_the_command_measures_growth(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "FACTORS", {"batch_size": (1, 2)})
    monkeypatch.setattr(scaling_replicas, "COUNTS", (1, 2))
    flags = "--part=growth --repeats=1 --seconds=0.05 --width=0.0625 --batch_size=8"
    flags += " --hidden_dim=8 --embedding_dim=8 --queue_size=64 --image_size=16"
    flags += f" --picture={tmp_path}/growth.png"
    status = command.run(bench.main, BenchConfig, bench.__doc__, flags.split())
    out, err = capfd.readouterr()
    assert status == 0, err
    line = json.loads(out.splitlines()[-1])["growth"]
    assert {name: list(figures) for name, figures in line.items()} == {
        "batch_size": ["8", "16"],
        "replicas": ["1", "2"],
    }
    for figures in line.values():
        for point in figures.values():
            assert set(point) == set(POINT)
            assert point["milliseconds"] > 0
            assert point["floor_milliseconds"] > 0
    assert "| growth: replicas |" in err
    assert "retracing" not in err
    assert (tmp_path / "growth.png").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_timed_is_the_step_of_fit(images, compiled):
    """Compiled too, as it is on a GPU."""
    model = tiny_model()
    model.compile(SGD(0.1), jit_compile=compiled)
    batch = tf.cast(images[:8], tf.float32)
    steps = step_speed.trained(model, {"strong": batch, "weak": batch})
    assert steps(0.0) > 0
    assert int(model.step.numpy()) == 1
    assert steps(0.0) > 0
    assert int(model.step.numpy()) == 2
