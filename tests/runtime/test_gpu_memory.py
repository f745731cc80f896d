"""Memory of GPUs grows, or has a limit, as TensorFlow is told."""

import pytest
import tensorflow as tf

from ressl_tf.config import Config
from ressl_tf.engine.devices import open_strategy
from ressl_tf.runtime import gpu_memory
from ressl_tf.runtime.errors import UsageError


@pytest.fixture
def told(monkeypatch):
    """Return what TensorFlow is told about two GPUs, which are not there."""
    calls = []
    monkeypatch.delenv(gpu_memory.GROWTH, raising=False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(
        tf.config.experimental,
        "set_memory_growth",
        lambda gpu, grows: calls.append((gpu, grows)),
    )
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda gpu, parts: calls.append((gpu, [p.memory_limit for p in parts])),
    )
    return calls


def test_memory_grows_unless_there_is_a_limit(told):
    gpu_memory.share(0)
    assert told == [("a", True), ("b", True)]
    told.clear()
    gpu_memory.share(4096)
    assert told == [("a", [4096]), ("b", [4096])]


def test_the_users_own_switch_stays(told, monkeypatch):
    monkeypatch.setenv(gpu_memory.GROWTH, "false")
    gpu_memory.share(0)
    assert told == []


def test_gpus_in_use_keep_their_settings_and_a_limit_is_refused(told, monkeypatch):
    def in_use(*_):
        raise RuntimeError(
            "Physical devices cannot be modified after being initialized"
        )

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", in_use)
    monkeypatch.setattr(tf.config, "set_logical_device_configuration", in_use)
    gpu_memory.share(0)
    with pytest.raises(UsageError, match=r"first run of the process\. Received: 512"):
        gpu_memory.share(512)


def test_a_run_tells_it(told, monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [])
    open_strategy(Config(strategy="one", gpu_memory_limit=2000))
    assert told == [("a", [2000]), ("b", [2000])]
