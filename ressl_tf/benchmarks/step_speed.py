"""A training step against its lower bound, and against PyTorch's.

No step can do without its lower bound: the forward and backward pass of the student and
the forward pass of its target, on finished views in memory.
"""

import contextlib
import dataclasses
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from ressl_tf.benchmarks import profiling, timing
from ressl_tf.benchmarks.remote import TORCH_STEP, Remote, script
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.build import make_model
from ressl_tf.runtime import distribute

LARGE = {"queue_size": 131072, "embedding_dim": 512}


def measure(config: BenchConfig) -> dict[str, Any]:
    """Measure images a second, and ratios to the lower bound and to PyTorch."""
    model, views = make(config)
    candidates = {  # their names begin keys of the result
        "step": training_step(model, views),
        "floor": lower_bound(model, views),
        "bfloat16": training_step(*make(_in_bfloat16(config))),
    }
    with _torch(config) as torch:
        candidates |= torch
        rates = timing.benchmark(candidates, config.repeats, config.seconds)
    profiling.trace(config, {"step": candidates["step"]})
    figures = {f"{name}_images_per_second": r.median for name, r in rates.items()}
    return {
        "vs_floor": rates["floor"].over(rates["step"]),
        "vs_floor_large_queue": _large_queue(config),
        "bfloat16_vs_float32": rates["bfloat16"].over(rates["step"]),
        **_against_torch(rates),
        "spread": rates["step"].spread,
        **figures,
    }


def make(
    config: BenchConfig, strategy: distribute.Strategy | None = None
) -> tuple[SSLModel, dict[str, tf.Tensor]]:
    """Return the compiled model of a run, and a global batch of random views."""
    model = make_model(config, 1000, strategy)
    raw = (config.batch_size, config.image_size, config.image_size, 3)
    images = tf.random.stateless_uniform(raw, (0, 0), 0, 255)
    return model, model.views(images, seed=(0, 0))


def training_step(model: SSLModel, views: dict[str, tf.Tensor]) -> timing.Candidate:
    """Return a candidate that takes steps of training, as `fit` does."""
    model.make_train_function()
    data = distribute.scatter(model.distribute_strategy, views)

    def work() -> int:
        model.train_function.single_step(data)["loss"].numpy()
        return _batch(views)

    return timing.repeated(work)


def lower_bound(model: SSLModel, views: dict[str, tf.Tensor]) -> timing.Candidate:
    """Return a candidate that makes the passes of a step and nothing else.

    A mixed view is replaced by another one.
    """
    data = distribute.scatter(model.distribute_strategy, views)

    def passes(views):
        stand_in = views[model.target_views[0]]
        online = [views.get(name, stand_in) for name in model.online_views]
        keys = [model.target(views[v], training=True) for v in model.target_views]
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_sum(model.embed(view)) for view in online])
        return keys, tape.gradient(loss, model.trainable_variables)

    passes = on_replicas(model, passes)

    def work() -> int:
        keys, _ = passes(data)
        tf.nest.map_structure(lambda value: value.numpy(), keys)
        return _batch(views)

    return timing.repeated(work)


def on_replicas(model: SSLModel, function: Callable) -> Callable:
    """Wrap `function` to run on every replica, compiled as steps are.

    The wrapper returns the results of all replicas: TensorFlow would not compute those
    that are not returned.
    """
    strategy = model.distribute_strategy
    alone = strategy.num_replicas_in_sync == 1

    def on_all(data):
        results = strategy.run(function, args=(data,))
        return tf.nest.map_structure(strategy.experimental_local_results, results)

    return tf.function(on_all, jit_compile=model.jit_compile and alone)


def matches_torch(config: BenchConfig) -> bool:
    """Return whether `scripts/bench_torch.py` has this method and network."""
    same = {
        "method": ("ressl",),
        "backbone": ("resnet18",),
        "stem": ("small",),
        "width": (1.0,),
        "head": ("auto", "plain"),
        "gradient_accumulation": (1,),
    }
    return all(getattr(config, name) in values for name, values in same.items())


def _batch(views) -> int:
    return next(iter(views.values())).shape[0]


def _in_bfloat16(config) -> BenchConfig:
    return dataclasses.replace(config, mixed_precision="bfloat16")


def _large_queue(config) -> float:
    """Measure `vs_floor` with ImageNet's queue."""
    model, views = make(dataclasses.replace(config, **LARGE))
    candidates = {
        "step": training_step(model, views),
        "lower_bound": lower_bound(model, views),
    }
    rates = timing.benchmark(candidates, config.repeats, config.seconds)
    return rates["lower_bound"].over(rates["step"])


@contextlib.contextmanager
def _torch(config: BenchConfig) -> Iterator[dict[str, Remote]]:
    """Start PyTorch's step in float32, where it is installed, asked for and the same.

    Yields:
        Name -> candidate; empty without it.
    """
    asked = "torch" in config.peers or "auto" in config.peers
    path = script(TORCH_STEP) if importlib.util.find_spec("torch") else None
    if not (asked and path and matches_torch(config)):
        yield {}
        return
    sizes = {
        "batch_size": config.batch_size,
        "image_size": config.image_size,
        "queue_size": config.queue_size,
        "hidden_dim": config.hidden_dim,
        "embedding_dim": config.embedding_dim,
    }
    flags = [f"--{name}={value}" for name, value in sizes.items()]
    remote = Remote([sys.executable, str(path), "--serve", *flags], "torch")
    try:
        yield {"torch_float32": remote}
    finally:
        remote.close()


def _against_torch(rates) -> dict[str, float]:
    if "torch_float32" not in rates:
        return {}
    torch = rates["torch_float32"]
    return {
        "vs_torch_float32": rates["step"].over(torch),
        "bfloat16_vs_torch_float32": rates["bfloat16"].over(torch),
    }
