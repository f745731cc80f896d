"""A running mean over the steps of an epoch, equal on all replicas."""

from typing import Any

import keras


class RunningMean(keras.metrics.Mean):
    """A `keras.metrics.Mean` of values that are equal on all replicas.

    Keras sums the variables of its own over replicas whenever they are read. All
    workers would have to read them together, but only the chief writes checkpoints.
    """

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: str | None = None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> keras.Variable:
        """Add a variable that each replica keeps, whatever `aggregation` says."""
        variable = keras.Variable(
            keras.initializers.get(initializer),
            shape=shape,
            dtype=dtype or self.dtype,
            trainable=False,
            name=name,
        )
        self._tracker.add_to_store("variables", variable)
        return variable
