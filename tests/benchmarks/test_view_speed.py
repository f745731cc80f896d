"""Photos of the benchmark of views."""

import numpy as np
import tensorflow as tf

from ressl_tf.benchmarks import remote
from ressl_tf.benchmarks import view_speed as view_bench
from ressl_tf.config.bench_config import BenchConfig


def test_our_photos_are_streamed_one_by_one_or_held():
    held = view_bench.photos(8, 32, stream=False)
    streamed = view_bench.photos(8, 32, stream=True)
    images, labels = held.examples(tf.constant([3, 1]))
    assert images.shape == (2, 32, 32, 3)
    assert labels.numpy().tolist() == [-1, -1]
    np.testing.assert_array_equal(streamed.example_as_stored(3)[0], images[0])


def test_without_the_source_checkout_there_are_no_peers(monkeypatch, tmp_path):
    """With it, PIL stands for torchvision where that is not installed."""
    monkeypatch.setattr(
        view_bench, "MODULES", {"torchvision": "no_such", "tf": "keras"}
    )
    assert view_bench.peer_names(BenchConfig()) == ["pil", "tf"]
    assert view_bench.peer_names(BenchConfig(peers=("pil", "torchvision"))) == ["pil"]
    assert view_bench.peer_names(BenchConfig(peers=("none",))) == []
    monkeypatch.setattr(remote, "SCRIPTS", tmp_path)
    assert view_bench.peer_names(BenchConfig()) == []
