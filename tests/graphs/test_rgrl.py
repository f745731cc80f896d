"""RGRL against dense NumPy: both losses, the gradient, a whole step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import numpy_rgrl as reference

import ressl_tf
from ressl_tf.graphs.rgrl import RGRL
from ressl_tf.methods.base import Step
from ressl_tf.runtime.errors import UsageError

NODES, FEATURES = 14, 5
OPTIONS = {"teacher_temp": 0.07, "local_teacher_temp": 0.4, "local_weight": 0.7}


def random_graph():
    """Draw a graph whose last node has no edge."""
    generator = np.random.default_rng(3)
    edges = generator.integers(0, NODES - 1, (24, 2))
    return ressl_tf.Graph.from_edges(generator.normal(size=(NODES, FEATURES)), edges)


def tiny(momentum=0.6, **options):
    """Return a model whose target is another network, and no weight as at its start."""
    keras.utils.set_random_seed(4)
    wanted = {"gcn_layers": (4, 3), "graph_sample": 5, "graph_topk": 3, **OPTIONS}
    model = RGRL(FEATURES, momentum=momentum, **{**wanted, **options})
    generator = np.random.default_rng(5)
    for network in model.networks.values():
        for variable in network.variables:
            noise = generator.uniform(-0.2, 0.2, variable.shape)
            variable.assign(variable + noise)
    model.compile(ressl_tf.SGD(0.5, momentum=0, weight_decay=0), run_eagerly=True)
    return model


def weights(network):
    return [variable.numpy().astype("float64") for variable in network.variables]


def drawn(model, graph, step=0):
    """Return the batch and what the model draws from it in a step."""
    batch = next(iter(model.batches(graph)))
    seed = tf.random.fold_in(tf.constant([model.seed, step]), 0)
    return batch, model.derive_views(batch, seed)


def dense(views):
    return [
        (
            views[name]["features"].numpy().astype("float64"),
            reference.adjacency(views[name]["edges"].numpy(), NODES),
        )
        for name in ("first", "second")
    ]


def dense_losses(online, predictor, target, views):
    anchors, near = views["anchors"].numpy(), views["near"].numpy()
    return reference.losses(
        online, predictor, target, dense(views), anchors, near, OPTIONS
    )


def gradients(model, views):
    """Return central differences of the dense loss by every trained weight."""
    online, predictor = weights(model.online), weights(model.predictor)
    target = weights(model.target)
    found = []
    trained = {id(v) for v in model.trainable_variables}
    for group, network in ((online, model.online), (predictor, model.predictor)):
        for value, variable in zip(group, network.variables, strict=True):
            if id(variable) not in trained:
                continue
            slope = np.zeros_like(value)
            for index in np.ndindex(value.shape):
                here, ends = value[index], []
                for change in (1e-6, -1e-6):
                    value[index] = here + change
                    ends.append(sum(dense_losses(online, predictor, target, views)))
                value[index] = here
                slope[index] = (ends[0] - ends[1]) / 2e-6
            found.append(slope)
    return found


@pytest.fixture(scope="module")
def slopes():
    """Return the slopes of the first step."""
    model = tiny()
    return gradients(model, drawn(model, random_graph())[1])


def test_losses_and_gradient(slopes):
    model = tiny()
    _, views = drawn(model, random_graph())
    with tf.GradientTape() as tape:
        online = {name: model.embed(views[name]) for name in model.online_views}
        target = {name: model.embed_target(views[name], 0) for name in online}
        terms, signals = model.loss_terms(online, target, Step(tf.constant(0), views))
        loss = terms["global"] + terms["local"]
    parts = weights(model.online), weights(model.predictor), weights(model.target)
    wide, close = dense_losses(*parts, views)
    assert float(terms["global"]) == pytest.approx(wide, abs=1e-5)
    assert float(terms["local"]) == pytest.approx(close, abs=1e-5)
    assert 0 < float(signals["teacher_entropy"]) < np.log(5)
    learned = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for ours, slope in zip(learned, slopes, strict=True):
        np.testing.assert_allclose(ours, slope, rtol=1e-5, atol=1e-5)


def test_one_whole_step(slopes):
    """The gradient's step, then the target's, and all batch statistics."""
    model, graph = tiny(), random_graph()
    batch, views = drawn(model, graph)
    online, target = weights(model.online), weights(model.target)
    predictor = weights(model.predictor)
    expected = dense_losses(online, predictor, target, views)
    logs = model.train_on_batch(batch, return_dict=True)
    assert logs["loss"] == pytest.approx(sum(expected), abs=1e-5)
    for view in dense(views):  # both networks see the first view, then the second
        online, target = (reference.encode(w, *view)[1] for w in (online, target))
    slope = iter(slopes)
    for index, variable in enumerate(model.online.variables):
        if variable.trainable:
            online[index] = online[index] - 0.5 * next(slope)
            target[index] = 0.6 * target[index] + 0.4 * online[index]
    predictor = [value - 0.5 * next(slope) for value in predictor]
    networks = {"online": online, "target": target, "predictor": predictor}
    for name, values in networks.items():
        for variable, value in zip(model.networks[name].variables, values, strict=True):
            np.testing.assert_allclose(
                variable, value, 1e-5, 1e-5, err_msg=f"{name} {variable.path}"
            )


@pytest.mark.slow
def test_frozen_batch_norm_moves_in_the_first_epoch_alone():
    """In a graph of TensorFlow, where the branch is taken at run time."""
    graph, model = random_graph(), tiny(bn_frozen_after_first_eval=True)
    model.compile(ressl_tf.SGD(0.1))

    def statistics():
        layers = [*model.online.norms, *model.target.norms]
        return np.concatenate([layer.moving_mean for layer in layers])

    seen = [statistics()]
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(statistics())
    )
    model.fit(graph, epochs=3, verbose=0, callbacks=[note])
    assert np.abs(seen[1] - seen[0]).min() > 0
    np.testing.assert_array_equal(seen[2], seen[1])
    np.testing.assert_array_equal(seen[3], seen[1])
    _, views = drawn(model, graph, step=3)
    embedded = model.online(views["first"], training=False)
    ours = model.forward(model.online, views["first"])
    np.testing.assert_allclose(ours, embedded, atol=1e-6)


def test_a_graph_without_edges_trains_on_anchors_alone():
    model = tiny(graph_topk=2)
    graph = ressl_tf.Graph.from_edges(random_graph().features, np.zeros((0, 2), int))
    logs = model.train_on_batch(drawn(model, graph)[0], return_dict=True)
    assert logs["local"] == 0
    assert logs["global"] > 0
    assert np.isfinite(model(graph.inputs)).all()


def test_zero_features_train_and_stay_finite():
    """All nodes alike: no relation to learn, and no NaN."""
    model, graph = tiny(), random_graph()
    zeros = ressl_tf.Graph(np.zeros_like(graph.features), graph.edges)
    model.fit(zeros, epochs=2, verbose=0)
    assert all(np.isfinite(variable).all() for variable in model.variables)


@pytest.mark.slow
def test_what_does_not_fit_the_graph_is_refused():
    graph = random_graph()
    for model, message in (
        (tiny(graph_sample=15), "graph_sample must be at most .* 14. Received: 15"),
        (tiny(graph_topk=15), "graph_topk must be 1 to .* 14. Received: 15"),
        (RGRL(6, gcn_layers=(4, 3)), "takes 6 features .* Received: .* 5"),
    ):
        with pytest.raises(UsageError, match=message):
            model.batches(graph)
