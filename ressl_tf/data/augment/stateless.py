"""Draw the random numbers of any Keras layer from a seed, without its state.

A layer of Keras draws from `keras.random.SeedGenerator`s, one of keras-cv from a
`tf.random.Generator` and from samplers of factors. While a layer is called here, or
traced, stand-ins take their place: they draw by TensorFlow's stateless functions, with
seeds that are derived from one, in turn. What the layer itself holds does not move.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from ressl_tf.data.augment.seeded import FACTORS

LOCK = threading.RLock()  # stand-ins are in the layer itself, which threads may share
CALLS = {"StatefulPartitionedCall", "While", "If", "Case", "Assert", "ReadVariableOp"}


class Draws:
    """Random numbers from one seed, in the order in which they are asked for.

    Args:
        seed: int32 [2].
    """

    def __init__(self, seed: tf.Tensor):
        self.seed, self.count = seed, 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """Return the next seed, int32 [2], as `keras.random.SeedGenerator` does."""
        self.count += 1
        return tf.random.fold_in(self.seed, self.count)

    def uniform(self, shape, minval=0, maxval=None, dtype=tf.float32, name=None):
        """Draw as `tf.random.Generator.uniform`."""
        if maxval is None and tf.as_dtype(dtype).is_floating:
            maxval = 1.0
        return tf.random.stateless_uniform(shape, self.next(), minval, maxval, dtype)

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=tf.float32, name=None):
        """Draw as `tf.random.Generator.normal`."""
        return tf.random.stateless_normal(shape, self.next(), mean, stddev, dtype)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=tf.float32):
        """Draw as `tf.random.Generator.truncated_normal`."""
        seed = self.next()
        return tf.random.stateless_truncated_normal(shape, seed, mean, stddev, dtype)


class Factor:
    """A sampler of keras-cv that draws by `Draws`.

    Args:
        sampler: the one that it stands for.
        draws: where its numbers come from.
    """

    def __init__(self, sampler: Any, draws: Draws):
        self.sampler, self.draws = sampler, draws

    def __call__(self, shape=(), dtype="float32"):
        """Sample as the original does."""
        sampler = self.sampler
        if hasattr(sampler, "lower"):
            return self.draws.uniform(shape, sampler.lower, sampler.upper, dtype)
        drawn = self.draws.normal(shape, sampler.mean, sampler.stddev, dtype)
        return tf.clip_by_value(drawn, sampler.min_value, sampler.max_value)

    def __getattr__(self, name):
        return getattr(self.sampler, name)


@contextlib.contextmanager
def drawing_by(layer: keras.layers.Layer, seed: tf.Tensor) -> Iterator[None]:
    """Let a layer, and those inside it, draw by a seed.

    Args:
        layer: any.
        seed: int32 [2].
    """
    draws, replaced = Draws(seed), []
    with LOCK:
        for part in layer._flatten_layers():
            for generator in part._seed_generators:
                replaced.append((vars(generator), "next", None))
                vars(generator)["next"] = draws.next
            for name, value in list(vars(part).items()):
                if (stand_in := _stand_in(value, draws)) is not None:
                    replaced.append((vars(part), name, value))
                    vars(part)[name] = stand_in
        try:
            yield
        finally:
            for attributes, name, value in reversed(replaced):
                attributes[name] = value
                if value is None:
                    del attributes[name]


def _stand_in(value: Any, draws: Draws) -> Any:
    if isinstance(value, tf.random.Generator):
        return draws
    return Factor(value, draws) if isinstance(value, FACTORS) else None


def stateful_operations(function: tf.types.experimental.ConcreteFunction) -> list[str]:
    """List the operations of a graph that a seed does not determine, or that assign.

    Args:
        function: traced.
    """
    graph = function.graph.as_graph_def()
    inner = [node for f in graph.library.function for node in f.node_def]
    kinds = {node.op for node in [*graph.node, *inner]} - CALLS
    known = {kind: op_def_registry.get(kind) for kind in kinds}
    return sorted(k for k, op in known.items() if op is not None and op.is_stateful)
