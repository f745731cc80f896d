"""The queue of past target embeddings, a ring buffer."""

from typing import Any

import keras
import tensorflow as tf

from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.shown_shape import ShownShape


@keras.saving.register_keras_serializable(package="ressl_tf")
class KeyQueue(ShownShape, keras.layers.Layer):
    """A first-in, first-out queue of unit vectors; any size goes with any batch.

    It starts full of random unit vectors. Under a strategy the keys of all replicas
    are gathered in replica order, so every replica holds the same queue.

    Args:
        size: rows K.
        dim: length d of an embedding.
        seed: of the initial vectors.

    Reference: He et al., MoCo (CVPR 2020), Sec. 3.2.
    """

    def __init__(self, size: int, dim: int, seed: int = 0, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        if size < 1 or dim < 1:
            raise UsageError(f"a queue needs rows. Received: size={size}, dim={dim}")
        self.size, self.dim, self.seed = size, dim, seed
        self.build()
        self.show_shape()

    def build(self, input_shape: Any = None) -> None:
        """Create the keys and the position of the oldest one."""
        self.keys = self.add_weight(
            name="keys",
            shape=(self.size, self.dim),
            initializer=self._random_unit_vectors,
            trainable=False,
        )
        self.position = self.add_weight(
            name="position",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
        )
        self.built = True

    def _random_unit_vectors(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        vectors = tf.random.stateless_normal(shape, seed=(self.seed, 0), dtype=dtype)
        return tf.math.l2_normalize(vectors, axis=-1)

    @property
    def output_shape(self) -> tuple[int, int]:
        """The shape of what `read` returns."""
        return (self.size, self.dim)

    def read(self) -> tf.Tensor:
        """Return the queue as it is now, [size, dim], float32, without gradient."""
        return tf.stop_gradient(tf.convert_to_tensor(self.keys))

    def enqueue(self, keys: tf.Tensor) -> None:
        """Overwrite the oldest rows by `keys`, [batch, dim].

        Of more keys than rows the last ones are kept.
        """
        keys = distribute.gather(tf.cast(keys, tf.float32))
        count = tf.shape(keys, out_type=tf.int64)[0]
        position = tf.convert_to_tensor(self.position)
        kept = tf.minimum(count, self.size)
        rows = (position + tf.range(count - kept, count)) % self.size
        distribute.update_each(
            _overwrite_rows, [self.keys], [keys[count - kept :]], [rows]
        )
        distribute.assign_each([self.position], [(position + count) % self.size])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the queue."""
        arguments = {"size": self.size, "dim": self.dim, "seed": self.seed}
        return {"name": self.name, **arguments}


def _overwrite_rows(variable: tf.Variable, keys: tf.Tensor, rows: tf.Tensor) -> None:
    variable.scatter_update(tf.IndexedSlices(keys, rows))
