"""Clip gradients by their norm over all weights, summed over all replicas."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError


def by_global_norm(
    gradients: Sequence[tf.Tensor | None], largest: float
) -> list[tf.Tensor | None]:
    """Scale gradients down, all by one factor, to a norm of at most `largest`.

    Gradients of a smaller norm stay as they are, to the bit. Where the norm is not
    finite all become NaN: a step that cannot be scaled must not pass for a small one.

    Args:
        gradients: None where there is none.
        largest: of the root of the sum of all squares, above 0.

    Reference: Pascanu et al., On the difficulty of training recurrent neural networks
    (ICML 2013), Algorithm 1.
    """
    norm = tf.linalg.global_norm(gradients)
    scale = largest / tf.maximum(norm, largest)
    scale = tf.where(tf.math.is_finite(norm), scale, float("nan"))
    return [g if g is None else g * tf.cast(scale, g.dtype) for g in gradients]


class GlobalNormClipping:
    """Part of an optimizer that clips what it applies: `clip_norm`, 0 for nothing.

    It stands before Keras's optimizer among the bases. Keras's own `global_clipnorm`
    clips each replica's share of the gradient by itself.
    """

    clip_norm: float = 0.0

    def set_clip_norm(self, clip_norm: float) -> None:
        """Check and set the largest norm of a gradient.

        Raises:
            UsageError: it is negative or NaN.
        """
        if not clip_norm >= 0:
            raise UsageError(
                f"clip_norm must be 0 (none) or above. Received: {clip_norm}"
            )
        self.clip_norm = clip_norm

    def _all_reduce_sum_gradients(
        self, grads_and_vars: Sequence[tuple[tf.Tensor | None, Any]]
    ) -> Sequence[tuple[tf.Tensor | None, Any]]:
        """Sum gradients over replicas, which Keras does here, and clip the sums.

        One replica has nothing to sum, and TensorFlow would keep the graph of its step
        until the process ends, as of every function with a gradient of its own.
        """
        summed = list(grads_and_vars)
        if distribute.num_replicas() > 1:
            summed = super()._all_reduce_sum_gradients(summed)  # type: ignore[misc]
        if not self.clip_norm:
            return summed
        gradients, variables = zip(*summed, strict=True)
        clipped = by_global_norm(gradients, self.clip_norm)
        return list(zip(clipped, variables, strict=True))
