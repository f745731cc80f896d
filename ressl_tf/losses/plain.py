"""Losses as pure functions of tensors, in float32.

Relations are logits over the queue, [batch, queue]; losses and metrics take logits.
Those of a large queue are never kept whole (`blockwise`); the same functions take both.
"""

import tensorflow as tf

from ressl_tf.losses import blockwise
from ressl_tf.losses.blockwise import BlockwiseRelation

LARGE_QUEUE = 8192  # rows; at 16,384 blocks take half the time of the whole on a CPU


def relation(
    embeddings: tf.Tensor, queue: tf.Tensor, temperature: float
) -> tf.Tensor | BlockwiseRelation:
    """Compare each embedding with the past ones in the queue.

    Args:
        embeddings: [batch, dim], unit length.
        queue: [queue, dim], unit length.
        temperature: divides the cosine similarities; lower is sharper.

    Returns:
        Logits [batch, queue], float32, whose softmax is the relation. For a queue of
        `LARGE_QUEUE` rows and more, a `BlockwiseRelation` that the functions below take
        in their place.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Eq. 2 and 3.
    """
    if queue.shape[0] >= LARGE_QUEUE:
        return BlockwiseRelation(embeddings, queue, temperature)
    return logits(embeddings, queue, temperature)


def logits(embeddings: tf.Tensor, queue: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return embeddings queue^T / temperature, [batch, queue], float32."""
    embeddings = tf.cast(embeddings, tf.float32)
    return tf.matmul(embeddings, queue, transpose_b=True) / temperature


def cross_entropy(
    teacher: tf.Tensor | BlockwiseRelation, student: tf.Tensor | BlockwiseRelation
) -> tf.Tensor:
    """Compute the cross-entropy of the student's relation under the teacher's.

    It equals their KL divergence plus the teacher's entropy, which has no gradient.

    Args:
        teacher: logits [batch, queue]; no gradient flows into them.
        student: logits [views * batch, queue], view after view.

    Returns:
        Scalar, the batch mean, in nats.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Eq. 4.
    """
    if isinstance(student, BlockwiseRelation):
        return blockwise.cross_entropy(teacher, student)
    views = tf.shape(student)[0] // tf.shape(teacher)[0]
    target = tf.tile(tf.stop_gradient(tf.nn.softmax(teacher)), [views, 1])
    return tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=student)
    )


def divergence(
    teacher: tf.Tensor, student: tf.Tensor, counted: tf.Tensor | None = None
) -> tf.Tensor:
    """Compute the KL divergence of the student's relation from the teacher's.

    Args:
        teacher: logits [rows, keys]; no gradient flows into them.
        student: logits [rows, keys].
        counted: bool [rows], the rows to average over; None for all. The mean over no
            rows is 0.

    Returns:
        Scalar, the mean over rows, in nats.

    Reference: Lee et al., RGRL (CIKM 2022); both terms of its loss have this form.
    """
    log_p = tf.nn.log_softmax(tf.stop_gradient(teacher))
    log_q = tf.nn.log_softmax(student)
    rows = tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)
    if counted is None:
        return tf.reduce_mean(rows)
    weights = tf.cast(counted, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(weights * rows), tf.reduce_sum(weights))


def info_nce(
    queries: tf.Tensor, keys: tf.Tensor, queue: tf.Tensor, temperature: float
) -> tf.Tensor:
    """Compute the cross-entropy of finding the positive key among those in the queue.

    Args:
        queries: [batch, dim], unit length.
        keys: [batch, dim], unit length: row for row the positives of the queries.
        queue: [queue, dim], unit length: the negatives of all queries.
        temperature: divides the cosine similarities; lower weighs the nearest negatives
            more.

    Returns:
        Scalar, the batch mean, in nats.

    Reference: He et al., MoCo (CVPR 2020), Eq. 1.
    """
    queries = tf.cast(queries, tf.float32)
    positive = tf.reduce_sum(queries * keys, axis=-1) / temperature
    negatives = log_normalizer(relation(queries, queue, temperature))
    total = tf.reduce_logsumexp([positive, negatives], axis=0)
    return tf.reduce_mean(total - positive)


def squared_distance(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Compute |first - second|^2 = 2 - 2 first . second of unit vectors, batch mean.

    Args:
        first: [batch, dim], unit length.
        second: [batch, dim], unit length.

    Returns:
        Scalar within 0..4.

    Reference: Grill et al., BYOL (NeurIPS 2020), Eq. 2.
    """
    cosine = tf.reduce_sum(tf.cast(first, tf.float32) * second, axis=-1)
    return 2.0 - 2.0 * tf.reduce_mean(cosine)


def log_normalizer(relation: tf.Tensor | BlockwiseRelation) -> tf.Tensor:
    """Compute log sum_j exp(logit_j), [batch]."""
    if isinstance(relation, BlockwiseRelation):
        return relation.moments[0]
    return tf.reduce_logsumexp(relation, axis=-1)


def entropy(relation: tf.Tensor | BlockwiseRelation) -> tf.Tensor:
    """Compute the mean entropy of the relations, in nats; log(queue) means uniform."""
    if isinstance(relation, BlockwiseRelation):
        return blockwise.entropy(relation)
    log_p = tf.nn.log_softmax(relation)
    return -tf.reduce_mean(tf.reduce_sum(tf.exp(log_p) * log_p, axis=-1))


def embedding_std(embeddings: tf.Tensor) -> tf.Tensor:
    """Compute the standard deviation over the batch, averaged over dimensions.

    Args:
        embeddings: [batch, dim], unit length.

    Returns:
        Scalar: about 1 / sqrt(dim) when the embeddings are uniform on the sphere, 0
        when all are the same (collapse).

    Reference: Chen & He, SimSiam (CVPR 2021), Fig. 2.
    """
    return tf.reduce_mean(tf.math.reduce_std(embeddings, axis=0))
