"""Two replicas against one device."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.randomness import permutation


def batches(images, steps=20):
    """Return finished views, a different batch at every step."""
    generator = np.random.default_rng(0)
    order = np.stack([generator.permutation(12)[:8] for _ in range(steps)])
    views = images.astype("float32")[order].reshape(-1, 16, 16, 3)
    noisy = np.clip(views + generator.normal(0, 20, views.shape), 0, 255)
    data = {"strong": noisy.astype("float32"), "weak": views}
    return tf.data.Dataset.from_tensor_slices(data).batch(8, drop_remainder=True)


def replicas(variable):
    return [value.numpy() for value in variable.value.values]


@pytest.mark.slow
def test_two_replicas_with_sync_batch_norm_equal_one_device(images, mirrored):
    """Weights, target and queue; K = 10 is no multiple of the batch of 8."""
    one = tiny_model(batch_norm="sync")
    one.fit(batches(images), shuffle=False, verbose=0)
    with mirrored.scope():
        two = tiny_model(batch_norm="sync")
    history = two.fit(batches(images), shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx(one.history.history["loss"], rel=1e-4)
    for first, second in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4, err_msg=first.path)
    assert int(two.step.numpy()) == 20
    np.testing.assert_array_equal(*replicas(two.queue.keys))


@pytest.mark.slow
def test_queues_are_bit_equal_and_in_replica_order(images, mirrored):
    with mirrored.scope():
        model = tiny_model(queue_size=11)
    model.fit(batches(images, steps=1), shuffle=False, verbose=0)
    first, second = replicas(model.queue.keys)
    np.testing.assert_array_equal(first, second)
    views = next(iter(batches(images, steps=1)))["weak"]
    # The first half of the batch is the first replica's, with statistics of its own.
    expected = [model.target(half, training=True) for half in (views[:4], views[4:])]
    expected = tf.math.l2_normalize(tf.concat(expected, 0), axis=-1)
    np.testing.assert_allclose(first[:8], expected, atol=1e-4)


@pytest.mark.slow
def test_the_target_is_equal_on_all_replicas(images, mirrored):
    with mirrored.scope():
        model = tiny_model()
    model.fit(batches(images, steps=3), shuffle=False, verbose=0)
    for variable in (*model.target.variables, *model.online.variables):
        first, second = replicas(variable)
        np.testing.assert_array_equal(first, second, err_msg=variable.path)


@pytest.mark.slow
def test_raw_images_get_other_views_on_other_replicas(mirrored):
    """Both replicas hold the same picture; their strong views must differ."""
    with mirrored.scope():
        model = tiny_model(queue_size=8)
        model.compile(keras.optimizers.SGD(0.0))
    image = np.random.default_rng(0).integers(0, 255, (1, 16, 16, 3), dtype="uint8")
    same = tf.data.Dataset.from_tensors(np.repeat(image, 8, axis=0))
    model.fit(same, shuffle=False, verbose=0)
    keys = replicas(model.queue.keys)[0]
    assert np.abs(keys[:4] - keys[4:8]).max() > 1e-3


@pytest.mark.slow
def test_raw_images_get_the_views_of_one_device(images, mirrored):
    """Strong views too, and staged ones: each replica draws for the whole batch."""
    keys = []
    for scope in (contextlib.nullcontext, mirrored.scope):
        with scope():
            model = tiny_model("sync", queue_size=8, views=None)
        data = tf.data.Dataset.from_tensors(images[:8])
        model.fit(data, shuffle=False, verbose=0)
        keys.append(model.queue.keys.numpy())
    np.testing.assert_allclose(*keys, atol=1e-4)


def run(strategy, function, global_batch):
    """Return what `function` gives on the replicas' shards of a batch, in order."""
    shares = np.split(global_batch, strategy.num_replicas_in_sync)
    shares = [tf.constant(share) for share in shares]
    data = strategy.experimental_distribute_values_from_function(
        lambda context: shares[context.replica_id_in_sync_group]
    )
    results = tf.function(lambda: strategy.run(function, (data,)))()
    return [value.numpy() for value in strategy.experimental_local_results(results)]


def test_each_replica_owns_its_part_of_what_is_gathered(mirrored):
    batch = np.arange(6.0)
    both = run(mirrored, lambda own: distribute.gather(own) ** 2, batch)
    np.testing.assert_array_equal(both, [batch**2, batch**2])
    back = run(
        mirrored, lambda own: distribute.local_shard(distribute.gather(own)), batch
    )
    np.testing.assert_array_equal(np.concatenate(back), batch)
    means = run(mirrored, lambda own: distribute.mean(tf.reduce_sum(own)), batch)
    np.testing.assert_array_equal(means, [7.5, 7.5])


def test_shuffle_permutes_the_targets_batch_over_replicas_and_back(images, mirrored):
    """A replica's batch statistics are those of the samples that came to it."""
    batch, seed = images[:8].astype("float32"), tf.constant([5, 7])
    plain = tiny_model()
    with mirrored.scope():
        model = tiny_model(shuffle_target=True)
    keys = np.concatenate(
        run(mirrored, lambda own: model.embed_target(own, seed), batch)
    )
    order = permutation(8, seed).numpy()
    assert set(order[:4]) != {0, 1, 2, 3}
    expected = np.zeros((8, 6), "float32")
    for half in (order[:4], order[4:]):
        expected[half] = plain.embed_target(batch[half], seed)
    np.testing.assert_allclose(keys, expected, atol=1e-5)
    unshuffled = [plain.embed_target(half, seed) for half in np.split(batch, 2)]
    assert np.abs(keys - np.concatenate(unshuffled)).max() > 1e-3


@pytest.mark.slow
def test_two_parts_on_one_device_are_two_replicas(images, mirrored):
    """With local and permuted batch statistics; the running ones move otherwise."""
    one = tiny_model(shuffle_target=True, gradient_accumulation=2)
    one.fit(batches(images, 4), shuffle=False, verbose=0)
    with mirrored.scope():
        two = tiny_model(shuffle_target=True)
    two.fit(batches(images, 4), shuffle=False, verbose=0)
    assert one.history.history["loss"] == pytest.approx(two.history.history["loss"])
    for first, second in zip(one.weights, two.weights, strict=True):
        if "moving" not in first.path:
            np.testing.assert_allclose(first, second, atol=1e-4, err_msg=first.path)


def test_one_device_needs_no_strategy():
    assert distribute.num_replicas() == 1
    assert distribute.replica_id() == 0
    np.testing.assert_array_equal(distribute.gather(tf.range(3)), [0, 1, 2])
    assert distribute.strategy("one") is tf.distribute.get_strategy()
    assert distribute.strategy("auto") is tf.distribute.get_strategy()  # no GPU here


def test_unknown_strategies_are_refused():
    with pytest.raises(
        UsageError, match=r"mirrored, multiworker, tpu\. Received: horovod"
    ):
        distribute.strategy("horovod")
