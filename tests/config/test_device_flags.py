"""Flags of devices: what is refused, and why."""

import pytest

from ressl_tf.config import Config
from ressl_tf.runtime.errors import UsageError

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
    def dealt(batch_size, **flags):
        flags = {"gradient_accumulation": 4, **flags}
        Config(batch_size=batch_size, **flags).check_batch(8)

    dealt(256)
    dealt(64)
    with pytest.raises(UsageError, match=r"multiple of 32 \(8 devices x 4 micro-batches\)"):
        dealt(100)
    with pytest.raises(UsageError, match=r"at least 64\. Received: 32"):
        dealt(32)
    dealt(128, batch_norm="split", gradient_accumulation=1)
    with pytest.raises(UsageError, match=r"at least 128\. Received: 64"):
        dealt(64, batch_norm="split", gradient_accumulation=1)
    with pytest.raises(UsageError, match=r"1 devices x 1 micro-batches x 8 groups"):
        Config(batch_size=8, batch_norm="split")
