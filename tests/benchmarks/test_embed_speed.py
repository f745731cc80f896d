"""The embedding loop against the bare forward pass."""

import pytest
from helpers.models import TINY

from ressl_tf.benchmarks import embed_speed
from ressl_tf.config.bench_config import BenchConfig


@pytest.mark.slow
def test_it_is_measured_on_files(photos):
    config = BenchConfig(
        **TINY, dataset=f"folder:{photos}", part="embed", repeats=1, seconds=0.01
    )
    figures = embed_speed.measure(config)
    rates = figures["embed_images_per_second"], figures["forward_images_per_second"]
    assert min(rates) > 0
    assert figures["embed_vs_forward"] == pytest.approx(rates[0] / rates[1])
