"""The queue: how long filling it takes, and that its size does not matter."""

from typing import Any

import tensorflow as tf

from ressl_tf.benchmarks import timing
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.models.key_queue import KeyQueue

SIZES = ((4096, 128), (131072, 128))


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure enqueued batches a second for a small and a large queue."""
    candidates = {size: candidate(*size, batch=config.batch_size) for size in SIZES}
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    small, large = (rates[size] for size in SIZES)
    return {
        "large_vs_small": large.over(small),
        **{f"batches_per_second_{s[0]}": rate.median for s, rate in rates.items()},
        "spread": small.spread,
    }


def candidate(size: int, dim: int, batch: int) -> timing.Candidate:
    """Return a candidate that enqueues one batch after the other."""
    queue = KeyQueue(size, dim)
    keys = tf.random.stateless_normal([batch, dim], (0, 0))
    enqueue = tf.function(queue.enqueue)

    def work() -> int:
        enqueue(keys)
        return 1

    return timing.repeated(work)
