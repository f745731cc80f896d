"""Replicas of the scaling benchmark, in processes of their own."""

import dataclasses
import sys

import pytest
import tensorflow as tf
from helpers.benchmarking import changed

from ressl_tf.benchmarks import remote as process
from ressl_tf.benchmarks import scaling_replicas
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime.errors import UsageError

SUMS = """
import sys
from ressl_tf.benchmarks.remote import answer
answer(lambda seconds, kind: seconds + {"step": 1, "lower_bound": 2}[kind])
"""


def test_the_same_global_batch_is_dealt_to_devices():
    config = BenchConfig(part="growth", batch_size=12)
    one, two = scaling_replicas.run_on(config, 1), scaling_replicas.run_on(config, 2)
    assert (one.strategy, one.logical_devices) == ("one", 1)
    assert (two.strategy, two.logical_devices) == ("mirrored", 2)
    assert changed(config, two) == {"strategy", "logical_devices"}
    with pytest.raises(
        UsageError, match=r"multiple of 4 \(4 devices x 1 micro-batches"
    ):
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
def test_a_process_serves_steps_and_their_lower_bound(monkeypatch):
    commands = []

    def remote(command, name):
        commands.append((command, name))
        return process.Remote([sys.executable, "-c", SUMS], name)

    monkeypatch.setattr(scaling_replicas, "Remote", remote)
    config = BenchConfig(batch_size=12)
    with scaling_replicas.served({2: scaling_replicas.run_on(config, 2)}) as pairs:
        assert pairs[2]["step"](3.0) == 4.0
        assert pairs[2]["lower_bound"](3.0) == 5.0
        assert pairs[2]["step"](0.5) == 1.5
    ((words, name),) = commands
    assert words[2:4] == ["ressl_tf.benchmarks.scaling_replicas", "2"]
    assert set(words[4:]) == {
        "--batch_size=12",
        "--strategy=mirrored",
        "--logical_devices=2",
        "--teacher_temp=0.04",  # filled in
    }
    assert name == "of 2 replicas"
