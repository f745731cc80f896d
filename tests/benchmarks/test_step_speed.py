"""Steps that are timed are those of fit, on all replicas."""

import types

import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.benchmarks import remote, step_speed
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime import distribute


def test_results_of_all_replicas_are_returned(mirrored):
    """Otherwise only the replicas that return something would compute it."""
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


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_what_is_timed_is_the_step_of_fit(images, compiled):
    """Compiled too, as it is on a GPU."""
    model = tiny_model()
    model.compile(SGD(0.1), jit_compile=compiled)
    batch = tf.cast(images[:8], tf.float32)
    steps = step_speed.training_step(model, {"strong": batch, "weak": batch})
    assert steps(0.0) > 0
    assert int(model.step.numpy()) == 1
    assert steps(0.0) > 0
    assert int(model.step.numpy()) == 2


def test_pytorch_is_measured_with_its_own_network_only():
    assert step_speed.matches_torch(BenchConfig())
    others = (
        {"width": 0.5},
        {"backbone": "resnet50"},
        {"head": "bn"},
        {"stem": "standard"},
    )
    for other in (*others, {"method": "mocov2"}, {"gradient_accumulation": 2}):
        assert not step_speed.matches_torch(BenchConfig(**other))


def test_pytorch_is_measured_in_the_source_checkout_only(monkeypatch, tmp_path):
    started = []
    idle = types.SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(step_speed.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(
        step_speed, "Remote", lambda command, name: started.append(command) or idle
    )
    with step_speed._torch(BenchConfig()) as torch:
        assert torch == {"torch_float32": idle}
    assert started[0][1] == str(remote.SCRIPTS / "bench_torch.py")
    monkeypatch.setattr(remote, "SCRIPTS", tmp_path)
    with step_speed._torch(BenchConfig()) as torch:
        assert torch == {}
    assert len(started) == 1
