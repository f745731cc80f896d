"""A training step against its floor, and against PyTorch's.

The floor is what no step can do without: the forward and backward pass of the student
and the forward pass of its target, on finished views in memory.
"""

import contextlib
import dataclasses
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from ressl_tf.benchmarks import profiling, timing
from ressl_tf.benchmarks.remote import Remote
from ressl_tf.config.bench_config import BenchConfig
from ressl_tf.methods.base import SSLModel
from ressl_tf.methods.build import make_model
from ressl_tf.runtime import distribute

TORCH = pathlib.Path(__file__).parents[2] / "scripts" / "bench_torch.py"
LARGE = {"queue_size": 131072, "embedding_dim": 512}


def measure(config: BenchConfig) -> dict[str, Any]:
    """Images a second and the ratios to the floor and to PyTorch in float32."""
    model, views = make(config)
    contenders = {
        "step": trained(model, views),
        "floor": floor(model, views),
        "bfloat16": trained(*make(_in_bfloat16(config))),
    }
    with _torch(config) as torch:
        rates = timing.race({**contenders, **torch}, config.repeats, config.seconds)
    profiling.trace(config, {"step": contenders["step"]})
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
    """The model of a run, compiled, and one global batch of random views for it."""
    model = make_model(config, 1000, strategy)
    raw = (config.batch_size, config.image_size, config.image_size, 3)
    images = tf.random.stateless_uniform(raw, (0, 0), 0, 255)
    return model, model.views(images, seed=(0, 0))


def trained(model: SSLModel, views: dict[str, tf.Tensor]) -> timing.Contender:
    """Steps of training, one after the other, as `fit` takes them."""
    model.make_train_function()
    data = distribute.scatter(model.distribute_strategy, views)

    def work() -> int:
        model.train_function.one(data)["loss"].numpy()
        return _batch(views)

    return timing.repeated(work)


def floor(model: SSLModel, views: dict[str, tf.Tensor]) -> timing.Contender:
    """The passes of a step and nothing else; another view stands in for a mixed one."""
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
    """`function` on every replica, compiled as steps are; returns what all of them do.

    What is not returned would not be computed.
    """
    strategy = model.distribute_strategy
    alone = strategy.num_replicas_in_sync == 1

    def on_all(data):
        results = strategy.run(function, args=(data,))
        return tf.nest.map_structure(strategy.experimental_local_results, results)

    return tf.function(on_all, jit_compile=model.jit_compile and alone)


def is_torchs(config: BenchConfig) -> bool:
    """Whether this is the method and the network that `scripts/bench_torch.py` has."""
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
    """`vs_floor` with ImageNet's queue."""
    model, views = make(dataclasses.replace(config, **LARGE))
    contenders = {"step": trained(model, views), "floor": floor(model, views)}
    rates = timing.race(contenders, config.repeats, config.seconds)
    return rates["floor"].over(rates["step"])


@contextlib.contextmanager
def _torch(config: BenchConfig) -> Iterator[dict[str, Remote]]:
    """PyTorch's step in float32, where it is installed, asked for and the same."""
    asked = "torch" in config.peers or "auto" in config.peers
    here = importlib.util.find_spec("torch") and TORCH.exists()
    if not (asked and here and is_torchs(config)):
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
    remote = Remote([sys.executable, str(TORCH), "--serve", *flags], "torch")
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
