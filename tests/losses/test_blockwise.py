"""Relations to a queue in blocks against those to the whole."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf import losses
from ressl_tf.losses import blockwise, plain
from ressl_tf.losses.blockwise import BlockwiseRelation

BATCH, DIM = 6, 16


def unit(shape, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype("float32")


def both(size, temperature=0.1, rows=BATCH, seed=0, block=8):
    """Return the same relation whole and in blocks, of the same variable embeddings."""
    rows, queue = (
        tf.Variable(unit((rows, DIM), seed)),
        tf.constant(unit((size, DIM), 9)),
    )
    whole = losses.logits(rows, queue, temperature)
    return rows, whole, BlockwiseRelation(rows, queue, temperature, block)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 24, 61], ids="K={}".format)
@pytest.mark.parametrize("temperature", [0.01, 0.04, 1.0], ids="t={}".format)
def test_moments_are_those_of_the_whole_queue(size, temperature):
    _, whole, blocks = both(size, temperature)
    log_sums, mean_keys = blocks.moments
    shares = np.exp(whole.numpy().astype("float64"))
    np.testing.assert_allclose(log_sums, np.log(shares.sum(1)), rtol=1e-6, atol=1e-6)
    expected = shares / shares.sum(1, keepdims=True) @ blocks.queue.numpy()
    np.testing.assert_allclose(mean_keys, expected, atol=1e-6)


def loss_and_gradient(take, rows, student, teacher):
    with tf.GradientTape() as tape:
        loss = take(teacher(), student())
    return loss, tape.gradient(loss, rows)


@pytest.mark.parametrize("views", [1, 3])
def test_cross_entropy_and_its_gradient_equal_the_plain_ones(views):
    queue = tf.constant(unit((61, DIM), 9))
    rows, keys = tf.Variable(unit((views * BATCH, DIM), 0)), unit((BATCH, DIM), 1)
    loss, gradient = loss_and_gradient(
        losses.cross_entropy,
        rows,
        lambda: BlockwiseRelation(rows, queue, 0.1, 8),
        lambda: BlockwiseRelation(keys, queue, 0.04, 8),
    )
    plain_loss, plain_gradient = loss_and_gradient(
        losses.cross_entropy,
        rows,
        lambda: losses.logits(rows, queue, 0.1),
        lambda: losses.logits(keys, queue, 0.04),
    )
    np.testing.assert_allclose(loss, plain_loss, rtol=1e-6)
    np.testing.assert_allclose(gradient, plain_gradient, atol=1e-6)


def test_no_gradient_reaches_the_teacher():
    rows, _, teacher = both(20, 0.04)
    with tf.GradientTape() as tape:
        teacher = BlockwiseRelation(rows, teacher.queue, 0.04, 8)
        student = BlockwiseRelation(tf.constant(rows), teacher.queue, 0.1, 8)
        loss = losses.cross_entropy(teacher, student)
    assert tape.gradient(loss, rows) is None


@pytest.mark.parametrize("views", [1, 2])
def test_both_relations_take_one_pass_and_are_as_each_alone(views, monkeypatch):
    queue = tf.constant(unit((61, DIM), 9))
    rows, keys = unit((views * BATCH, DIM), 0), unit((BATCH, DIM), 1)

    def relations():
        pair = ((keys, 0.04), (rows, 0.1))
        return [BlockwiseRelation(x, queue, t, 8) for x, t in pair]

    alone = [relation.moments for relation in relations()]
    passes, sums = [], blockwise._sums
    count_pass = lambda *args: passes.append(1) or sums(*args)  # noqa: E731
    monkeypatch.setattr(blockwise, "_sums", count_pass)
    together = relations()
    losses.cross_entropy(*together)
    losses.entropy(together[0]), losses.entropy(together[1])
    assert len(passes) == 1
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.moments[0], one[0], rtol=1e-6)
        np.testing.assert_allclose(other.moments[1], one[1], atol=1e-6)


def test_entropy_and_log_normalizer_equal_the_plain_ones():
    _, whole, blocks = both(61, 0.04)
    np.testing.assert_allclose(losses.entropy(blocks), losses.entropy(whole), rtol=1e-5)
    np.testing.assert_allclose(
        losses.log_normalizer(blocks), losses.log_normalizer(whole), rtol=1e-6
    )


def test_large_queues_go_by_blocks_and_small_ones_whole(monkeypatch):
    monkeypatch.setattr(plain, "LARGE_QUEUE", 32)
    queries, keys, queue = unit((4, DIM), 0), unit((4, DIM), 1), unit((32, DIM), 2)
    assert isinstance(losses.relation(queries, queue, 0.1), BlockwiseRelation)
    assert tf.is_tensor(losses.relation(queries, queue[:31], 0.1))
    by_blocks = losses.info_nce(queries, keys, queue, 0.2)
    monkeypatch.setattr(plain, "LARGE_QUEUE", 33)
    whole = losses.info_nce(queries, keys, queue, 0.2)
    np.testing.assert_allclose(by_blocks, whole, rtol=1e-6)


def largest_tensor(function, *shapes):
    """Count the elements of the largest tensor in a function's graph and its loops."""
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    concrete = tf.function(function).get_concrete_function(*specs)
    graph = concrete.graph.as_graph_def(add_shapes=True)
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return max(
        int(np.prod([dim.size for dim in shape.dim]))
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
    )


def test_nothing_as_large_as_all_logits_is_made():
    batch, size = 64, 64 * 32

    def step(relation):
        def loss_and_gradient(rows, keys, queue):
            with tf.GradientTape() as tape:
                tape.watch(rows)
                student, teacher = (
                    relation(rows, queue, 0.1),
                    relation(keys, queue, 0.04),
                )
                loss = losses.cross_entropy(teacher, student)
            return loss, tape.gradient(loss, rows)

        return loss_and_gradient

    shapes = ([batch, DIM], [batch, DIM], [size, DIM])
    blocks = functools.partial(BlockwiseRelation, block=32)
    assert largest_tensor(step(losses.logits), *shapes) == batch * size
    assert largest_tensor(step(blocks), *shapes) == size * DIM  # the queue


def test_it_compiles_with_xla_and_says_the_same():
    queue = unit((61, DIM), 9)

    def loss(rows, keys):
        student = BlockwiseRelation(rows, queue, 0.1, 8)
        return losses.cross_entropy(BlockwiseRelation(keys, queue, 0.04, 8), student)

    rows, keys = unit((BATCH, DIM), 0), unit((BATCH, DIM), 1)
    compiled = tf.function(loss, jit_compile=True)
    np.testing.assert_allclose(compiled(rows, keys), loss(rows, keys), rtol=1e-6)
