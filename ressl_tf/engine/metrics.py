"""A mean over the steps of an epoch that every replica keeps alike."""

import keras


class RunningMean(keras.metrics.Mean):
    """`keras.metrics.Mean` of values that are equal on all replicas.

    Keras sums its variables over replicas whenever they are read, which all workers
    would have to do together; only one of them writes checkpoints.
    """

    def add_variable(
        self, shape, initializer, dtype=None, aggregation="none", name=None
    ):
        variable = keras.Variable(
            keras.initializers.get(initializer),
            shape=shape,
            dtype=dtype or self.dtype,
            trainable=False,
            name=name,
        )
        self._tracker.add_to_store("variables", variable)
        return variable
