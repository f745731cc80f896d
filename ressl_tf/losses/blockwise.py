"""Relations to a large queue, block by block: memory does not grow with the queue.

The loss and its gradient need two moments of a relation p = softmax(x Q^T / t), where x
is [batch, dim] and Q the queue [K, dim]: its log-normaliser and its mean key p Q. Both
are sums over the queue, so no [batch, K] is ever kept.
"""

import functools

import tensorflow as tf

BLOCK = 4096  # rows of the queue at a time


class BlockwiseRelation:
    """The relation softmax(embeddings queue^T / temperature), by its moments.

    Args:
        embeddings: [batch, dim], unit length.
        queue: [queue, dim], unit length; no gradient flows into it.
        temperature: divides the cosine similarities.
        block: rows of the queue at a time.
    """

    def __init__(
        self,
        embeddings: tf.Tensor,
        queue: tf.Tensor,
        temperature: float,
        block: int = BLOCK,
    ):
        self.embeddings = tf.cast(embeddings, tf.float32)
        self.queue = tf.convert_to_tensor(queue)
        self.temperature, self.block = temperature, block

    @functools.cached_property
    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Compute the log-normalisers [batch] and the mean keys [batch, dim].

        The gradient of a log-normaliser is the mean key over the temperature; the mean
        keys have none.
        """
        return _moments(self.embeddings / self.temperature, self.queue, self.block)

    def expected_logit(self, mean_keys: tf.Tensor) -> tf.Tensor:
        """Average each row's logits under the relation that has these mean keys."""
        return tf.reduce_sum(self.embeddings * mean_keys, axis=-1) / self.temperature


def share_pass(teacher: BlockwiseRelation, student: BlockwiseRelation) -> None:
    """Compute the moments of two relations to one queue in one pass over it.

    One product with the rows of both is faster than two products: the queue, by far the
    larger factor, is read once. No gradient flows into the teacher.
    """
    cached = {**vars(teacher), **vars(student)}
    if "moments" in cached or teacher.queue is not student.queue:
        return
    rows = [r.embeddings / r.temperature for r in (teacher, student)]
    rows = tf.concat([tf.stop_gradient(rows[0]), rows[1]], axis=0)
    log_sums, mean_keys = _moments(rows, teacher.queue, teacher.block)
    count = tf.shape(teacher.embeddings)[0]
    teacher.moments = log_sums[:count], mean_keys[:count]
    student.moments = log_sums[count:], mean_keys[count:]


def cross_entropy(teacher: BlockwiseRelation, student: BlockwiseRelation) -> tf.Tensor:
    """Compute `losses.cross_entropy` from the moments.

    -sum_j p_t log p_s is the student's log-normaliser less its mean logit under p_t.
    The gradient is (p_s - p_t) Q / (batch * student's temperature). The student may
    have several times the teacher's rows, view after view; each view is compared with
    the same teacher.
    """
    share_pass(teacher, student)
    log_sums, _ = student.moments
    _, mean_keys = teacher.moments
    views = tf.shape(student.embeddings)[0] // tf.shape(mean_keys)[0]
    mean_keys = tf.tile(mean_keys, [views, 1])
    return tf.reduce_mean(log_sums - student.expected_logit(mean_keys))


def entropy(relation: BlockwiseRelation) -> tf.Tensor:
    """Compute `losses.entropy` from the moments."""
    log_sums, mean_keys = relation.moments
    return tf.reduce_mean(log_sums - relation.expected_logit(mean_keys))


def _moments(
    rows: tf.Tensor, queue: tf.Tensor, block: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute `BlockwiseRelation.moments` of embeddings over their temperature.

    The gradient of a log-normaliser, its mean key, is known with it: what is added to
    it is 0 and has that gradient. (TensorFlow keeps what `tf.custom_gradient` refers
    to, the whole graph of the step, until the process ends.)
    """
    fixed = tf.stop_gradient(rows)
    log_sums, mean_keys = _sums(fixed, tf.stop_gradient(queue), block)
    return log_sums + tf.reduce_sum((rows - fixed) * mean_keys, axis=-1), mean_keys


def _sums(rows: tf.Tensor, queue: tf.Tensor, block: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return log sum_j exp(rows . Q_j) [batch] and softmax(rows Q^T) Q [batch, dim]."""
    whole = queue.shape[0] // block

    def add_block(index, *sums):
        keys = tf.slice(queue, [index * block, 0], [block, queue.shape[1]])
        return index + 1, *_add(rows, keys, *sums)

    zeros = tf.zeros_like(rows[:, :1])
    sums = (zeros + rows.dtype.min, zeros, tf.zeros_like(rows))
    _, *sums = tf.while_loop(
        lambda index, *_: index < whole, add_block, (0, *sums), parallel_iterations=1
    )
    if queue.shape[0] % block:
        sums = _add(rows, queue[whole * block :], *sums)
    highest, total, keys = sums
    return (highest + tf.math.log(total))[:, 0], keys / total


def _add(
    rows: tf.Tensor,
    keys: tf.Tensor,
    highest: tf.Tensor,
    total: tf.Tensor,
    weighted: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Add a block's terms to the sums, which are relative to exp(highest logit)."""
    logits = tf.matmul(rows, keys, transpose_b=True)  # [batch, block]
    higher = tf.maximum(highest, tf.reduce_max(logits, axis=1, keepdims=True))
    weights = tf.exp(logits - higher)
    before = tf.exp(highest - higher)
    total = total * before + tf.reduce_sum(weights, axis=1, keepdims=True)
    return higher, total, weighted * before + tf.matmul(weights, keys)
