"""Losses as pure functions of tensors, in float32.

Relations are logits over the queue, [batch, queue]; a loss or a signal takes logits.
"""

import tensorflow as tf


def relation(embeddings: tf.Tensor, queue: tf.Tensor, temperature: float) -> tf.Tensor:
    """How each embedding relates to the past ones in the queue.

    Args:
        embeddings: [batch, dim], unit length.
        queue: [queue, dim], unit length.
        temperature: divides the cosine similarities; lower is sharper.

    Returns:
        Logits [batch, queue], float32; their softmax is the relation.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Eq. 2 and 3.
    """
    embeddings = tf.cast(embeddings, tf.float32)
    return tf.matmul(embeddings, queue, transpose_b=True) / temperature


def cross_entropy(teacher: tf.Tensor, student: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the student's relation under the teacher's, batch mean.

    Equals their KL divergence plus the teacher's entropy, which has no gradient.

    Args:
        teacher: logits [batch, queue]; no gradient flows into them.
        student: logits [batch, queue].

    Returns:
        Scalar, in nats.

    Reference: Zheng et al., ReSSL (NeurIPS 2021), Eq. 4.
    """
    target = tf.stop_gradient(tf.nn.softmax(teacher))
    return tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=student)
    )


def divergence(
    teacher: tf.Tensor, student: tf.Tensor, counted: tf.Tensor | None = None
) -> tf.Tensor:
    """KL divergence of the student's relation from the teacher's, mean over rows.

    Args:
        teacher: logits [rows, others]; no gradient flows into them.
        student: logits [rows, others].
        counted: bool [rows], which rows; None for all. Of none the mean is 0.

    Returns:
        Scalar, in nats.

    Reference: Lee et al., RGRL (CIKM 2022), whose both terms it is.
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
    """Cross-entropy of telling an image's own key from those in the queue, batch mean.

    Args:
        queries: [batch, dim], unit length.
        keys: [batch, dim], unit length, row for row those of the queries.
        queue: [queue, dim], unit length.
        temperature: divides the cosine similarities; lower weighs the nearest wrong
            keys more.

    Returns:
        Scalar, in nats.

    Reference: He et al., MoCo (CVPR 2020), Eq. 1.
    """
    queries = tf.cast(queries, tf.float32)
    own = tf.reduce_sum(queries * keys, axis=-1, keepdims=True) / temperature
    logits = tf.concat([own, relation(queries, queue, temperature)], axis=1)
    return tf.reduce_mean(tf.reduce_logsumexp(logits, axis=1) - own[:, 0])


def squared_distance(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """|first - second|^2 = 2 - 2 first . second of unit vectors, batch mean.

    Args:
        first: [batch, dim], unit length.
        second: [batch, dim], unit length.

    Returns:
        Scalar within 0..4.

    Reference: Grill et al., BYOL (NeurIPS 2020), Eq. 2.
    """
    cosine = tf.reduce_sum(tf.cast(first, tf.float32) * second, axis=-1)
    return 2.0 - 2.0 * tf.reduce_mean(cosine)


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """Mean entropy of the relations, in nats: log(queue) means uniform."""
    log_p = tf.nn.log_softmax(logits)
    return -tf.reduce_mean(tf.reduce_sum(tf.exp(log_p) * log_p, axis=-1))


def embedding_std(embeddings: tf.Tensor) -> tf.Tensor:
    """Standard deviation over the batch, averaged over dimensions.

    Args:
        embeddings: [batch, dim], unit length.

    Returns:
        Scalar: about 1 / sqrt(dim) when the directions are spread evenly, 0 when all
        embeddings are the same (collapse); Chen & He, SimSiam (CVPR 2021), Fig. 2.
    """
    return tf.reduce_mean(tf.math.reduce_std(embeddings, axis=0))
