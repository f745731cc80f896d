"""Flags of the benchmark."""

import pytest

from ressl_tf.config import Config
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {"output": "a.png"},
            "is of --part=growth. Received: --output=a.png --part=a",
        ),
        ({"part": "step", "output": "a.png"}, "Received: --output=a.png --part=step"),
        ({"part": "growth", "output": "a.svg"}, "a .png file. Received: a.svg"),
        ({"part": "growth", "output": "png"}, "a .png file. Received: png"),
        (
            {"part": "growth", "method": "rgrl", "dataset": "graph:/a.npz"},
            "images, .* Received: --dataset=graph:/a.npz",
        ),
    ],
)
def test_flags_of_growth_that_cannot_be(flags, said):
    with pytest.raises(UsageError, match=said):
        BenchConfig(**flags)


def test_all_parts_do_not_take_minutes():
    assert "growth" not in BenchConfig().parts
    assert BenchConfig(part="growth").parts == ("growth",)


def test_unknown_peers_are_refused():
    with pytest.raises(UsageError, match=r"--peers are of torch, .*Received: jax"):
        BenchConfig(peers=("torch", "jax"))


def test_presets_of_the_benchmark_are_flags_of_training():
    config = BenchConfig()
    assert (config.stem, config.batch_size, config.queue_size) == ("small", 64, 4096)
    assert config.teacher_temp == Config().teacher_temp > 0
