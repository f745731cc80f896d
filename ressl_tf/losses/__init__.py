"""Losses and metrics as pure functions of tensors, in float32."""

from ressl_tf.losses.plain import (
    LARGE_QUEUE,
    cross_entropy,
    divergence,
    embedding_std,
    entropy,
    info_nce,
    log_normalizer,
    logits,
    relation,
    squared_distance,
)

__all__ = [
    "LARGE_QUEUE",
    "cross_entropy",
    "divergence",
    "embedding_std",
    "entropy",
    "info_nce",
    "log_normalizer",
    "logits",
    "relation",
    "squared_distance",
]
