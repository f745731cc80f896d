"""The loss on held-out data: its value, and that nothing else changes."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.graphs import planted_graph
from helpers.models import tiny_model
from helpers.steps import dataset, values, views_of

import ressl_tf
from ressl_tf.engine.optimizers import SGD
from ressl_tf.runtime.errors import UsageError


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def softmax(logits):
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def expected_loss(model, views):
    """Return ReSSL's loss, Eq. 2 to 4, of embeddings in inference mode."""
    z = unit(model.online(views["strong"], training=False).numpy())
    k = unit(model.target(views["weak"], training=False).numpy())
    queue = model.queue.keys.numpy()
    p = softmax(k @ queue.T / model.teacher_temp)
    q = softmax(z @ queue.T / model.student_temp)
    return -(p * np.log(q)).sum(-1).mean()


def trained(images, **options):
    model = tiny_model(**options)
    model.fit(images, batch_size=4, verbose=0, shuffle=False)
    return model


def unchanged(before, after):
    assert before.keys() == after.keys()
    return all(np.array_equal(before[name], after[name]) for name in before)


def test_it_is_the_methods_loss_in_inference_mode_however_the_data_are_cut(images):
    model, views = trained(images), views_of(images, 12)
    expected = expected_loss(model, views)
    for batch_size in (12, 5, 1):  # the last batch has 2 images, or all have one
        logs = model.evaluate(views, batch_size=batch_size, verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert set(logs) == {"loss", "teacher_entropy", "student_entropy", "embedding_std"}
    on_batch = model.test_on_batch(views, return_dict=True)
    assert on_batch["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_evaluating_changes_nothing_of_the_model_or_of_its_training(images):
    """Weights, statistics, target, queue, step, optimizer and running means."""
    model, alone = trained(images), trained(images)
    before = values(model)
    model.evaluate(images, batch_size=5, verbose=0)
    model.test_on_batch(images)
    assert unchanged(before, values(model))
    history = model.fit(
        images, batch_size=4, epochs=2, verbose=0, shuffle=False, validation_data=images
    )
    alone.fit(images, batch_size=4, epochs=2, verbose=0, shuffle=False)
    assert unchanged(values(alone), values(model))
    assert history.history["loss"] == alone.history.history["loss"]
    assert {"val_loss", "val_teacher_entropy"} <= set(history.history)


def test_the_views_are_the_same_in_each_epoch_and_no_training_steps(images):
    model, seeds = tiny_model(), []
    derive = model.derive_views
    model.derive_views = lambda data, seed: (
        seeds.append(seed.numpy()) or derive(data, seed)
    )
    model.compile(SGD(0.0), run_eagerly=True)
    first = model.evaluate(images, batch_size=5, verbose=0)
    assert model.evaluate(images, batch_size=5, verbose=0) == first
    np.testing.assert_array_equal(seeds[:3], seeds[3:])
    steps = [model._seed(tf.constant(step, tf.int64)).numpy() for step in range(50)]
    assert len({tuple(seed) for seed in [*seeds[:3], *steps]}) == 53


@pytest.mark.slow
def test_a_split_is_the_last_part_of_an_array(images):
    split, given = tiny_model(), tiny_model()
    options = {"batch_size": 4, "verbose": 0, "shuffle": False}
    history = split.fit(images, validation_split=1 / 3, **options).history
    assert int(split.step.numpy()) == 2
    expected = given.fit(images[:8], validation_data=(images[8:],), **options).history
    assert history["val_loss"] == expected["val_loss"]


def test_executions_of_several_steps_end_with_the_validation_steps(images):
    one, several = trained(images), trained(images)
    several.compile(SGD(0.1), steps_per_execution=4)
    data = dataset(images, 9)
    expected = one.evaluate(data.take(6), verbose=0)
    assert several.evaluate(data, steps=6, verbose=0) == pytest.approx(expected)
    assert several.evaluate(data.take(6), verbose=0) == pytest.approx(expected)


@pytest.mark.slow
def test_two_replicas_measure_what_one_device_does(images, mirrored):
    """Their shards of the last batch, three images, differ in size."""
    views = views_of(images, 11)
    options = {"batch_size": 8, "verbose": 0, "return_dict": True}
    expected = tiny_model().evaluate(views, **options)
    with mirrored.scope():
        two = tiny_model()
    logs = two.evaluate(views, **options)
    for name in ("loss", "teacher_entropy", "student_entropy"):
        assert logs[name] == pytest.approx(expected[name], rel=1e-5)


def graph_model(graph, **options):
    model = ressl_tf.RGRL(
        graph.num_features, gcn_layers=(8, 6), graph_sample=10, **options
    )
    model.compile(ressl_tf.SGD(0.03), run_eagerly=True)
    return model


@pytest.mark.parametrize("frozen", [False, True])
def test_a_graph_is_evaluated_alike(frozen):
    graph = planted_graph()
    model = graph_model(graph, bn_frozen_after_first_eval=frozen)
    history = model.fit(graph, epochs=2, validation_data=graph, verbose=0).history
    before = values(model)
    loss = model.evaluate(graph, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(history["val_loss"][-1])
    assert unchanged(before, values(model))
    with pytest.raises(UsageError, match=r"another Graph as validation_data.*0\.5"):
        model.fit(graph, validation_split=0.5)


@pytest.mark.parametrize("name", ["sample_weight", "class_weight", "of a dataset"])
def test_weights_are_refused_with_the_reason(images, name):
    model, labels, weights = tiny_model(), np.zeros(12, int), np.ones(12)
    data = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(4)
    arguments = {
        "sample_weight": {"x": images, "y": labels, "sample_weight": weights},
        "class_weight": {"x": images, "y": labels, "class_weight": {0: 1.0}},
        "of a dataset": {"x": data},
    }[name]
    with pytest.raises(UsageError, match="without labels"):
        model.fit(**arguments)
    if name != "class_weight":
        with pytest.raises(UsageError, match="without labels"):
            model.evaluate(**arguments)
