"""Flags of devices: what is refused, and why."""

import pytest

from ressl_tf.config import Config
from ressl_tf.errors import UsageError

WORKERS = {"coordinator_address": "host:1", "num_workers": 2}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"strategy": "tpu"}, "go together"),
        ({"strategy": "one", "tpu": "local"}, "go together"),
        ({"strategy": "one", "logical_devices": 2}, "are for --strategy=mirrored"),
        ({**WORKERS, "logical_devices": 2}, "are for --strategy=mirrored"),
        ({"strategy": "mirrored", "jit_compile": "on"}, "is for one device"),
        ({**WORKERS, "jit_compile": "on"}, "is for one device"),
        ({"tpu": "local", "jit_compile": "off"}, "runs what XLA compiles"),
        ({"tpu": "local", "mixed_precision": "float16"}, "computes in bfloat16"),
        ({"coordinator_address": "host:1"}, "--num_workers go together"),
        ({"num_workers": 2}, "--num_workers go together"),
        ({**WORKERS, "strategy": "mirrored"}, "is for --strategy=multiworker"),
        ({**WORKERS, "worker_index": 2}, "is below --num_workers=2. Received: 2"),
        ({"worker_index": 1}, "is below --num_workers=0. Received: 1"),
    ],
)
def test_flags_that_contradict_one_another_are_refused(flags, message):
    with pytest.raises(UsageError, match=message):
        Config(**flags)


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({}, "auto"),
        ({"logical_devices": 2}, "mirrored"),
        (WORKERS, "multiworker"),
        ({"tpu": "local"}, "tpu"),
        ({"strategy": "one"}, "one"),
    ],
)
def test_auto_is_what_the_other_flags_ask_for(flags, name):
    assert Config(**flags).resolved_strategy == name


def test_a_batch_is_dealt_equally():
    config = Config(gradient_accumulation=4)
    config.check_batch(256, 8)
    config.check_batch(64, 8)
    with pytest.raises(UsageError, match=r"multiple of 32 \(8 devices x 4 parts\)"):
        config.check_batch(100, 8)
    with pytest.raises(UsageError, match=r"at least 64\. Received: 32"):
        config.check_batch(32, 8)
    with pytest.raises(UsageError, match="x 8 groups"):
        config.check_batch(64, 8, groups=8)
