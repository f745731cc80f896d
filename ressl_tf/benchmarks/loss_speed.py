"""Loss and gradient of the relation, plain and by blocks: time and peak memory."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from ressl_tf import losses
from ressl_tf.benchmarks import timing
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.evaluate.vectors import unit_rows
from ressl_tf.losses.blockwise import BlockwiseRelation

FORMS = {"plain": losses.logits, "blocks": BlockwiseRelation}
SIZES = ((64, 4096, 128), (256, 16384, 128), (256, 131072, 512))  # batch, K, dim


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure peak memory at the largest queue, and the speed of blocks at each."""
    _, queue, _ = SIZES[-1]
    return {
        "peak_bytes": peak_bytes("blocks"),
        "plain_peak_bytes": peak_bytes("plain"),
        "peak_queue_size": queue,
        **{f"blocks_vs_plain_{size[1]}": _speedup(config, *size) for size in SIZES},
    }


def _speedup(config, *size) -> float:
    candidates = {form: candidate(form, *size) for form in FORMS}
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    return rates["blocks"].over(rates["plain"])


def candidate(form: str, batch: int, queue_size: int, dim: int) -> timing.Candidate:
    """Return a candidate that computes losses, gradients and both entropies."""
    queue, keys, queries = (
        _unit_vectors(rows, dim, seed)
        for seed, rows in enumerate((queue_size, batch, batch))
    )

    @tf.function
    def loss_and_gradient():
        relation = FORMS[form]
        with tf.GradientTape() as tape:
            tape.watch(queries)
            teacher, student = (
                relation(keys, queue, 0.04),
                relation(queries, queue, 0.1),
            )
            loss = losses.cross_entropy(teacher, student)
        entropies = losses.entropy(teacher), losses.entropy(student)
        return tape.gradient(loss, queries), loss, entropies

    def work() -> int:
        loss_and_gradient()[0].numpy()
        return 1

    return timing.repeated(work)


def _unit_vectors(rows, dim, seed):
    # By NumPy: TensorFlow would keep what it freed, and the peak would not show.
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return tf.constant(unit_rows(vectors))


def peak_bytes(form: str) -> int | None:
    """Measure what one loss needs at its peak, in a process of its own."""
    command = [sys.executable, "-m", "ressl_tf.benchmarks.peak_memory", form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
