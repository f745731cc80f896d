"""The contract of every method, whatever it computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ressl_tf
from ressl_tf import methods
from ressl_tf.config import Config
from ressl_tf.config.method_table import method_names
from ressl_tf.engine.checkpoint import Checkpoints, state, weights_sha256
from ressl_tf.methods import build
from ressl_tf.methods.build import method_class

NAMES = method_names()
OF_IMAGES, OF_GRAPHS = method_names("images"), method_names("graphs")
STEPS = 6
every_method = pytest.mark.parametrize("name", NAMES)
every_method_of_images = pytest.mark.parametrize("name", OF_IMAGES)


def graph():
    """Draw a graph of twelve nodes, the last without an edge."""
    generator = np.random.default_rng(0)
    edges = generator.integers(0, 11, (20, 2))
    return ressl_tf.Graph.from_edges(generator.normal(size=(12, 5)), edges)


def method(name):
    return method_class(name)


def tiny(name, eager=False, **options):
    """Return a compiled model small enough for a test, the same at every call.

    A few eager steps are quicker than building a graph.
    """
    keras.utils.set_random_seed(1)
    make = tiny_of_graphs if name in OF_GRAPHS else tiny_of_images
    model = make(name, **options)
    model.compile(ressl_tf.SGD(0.03), run_eagerly=eager)
    return model


def tiny_of_graphs(name, total_steps=STEPS, **options):
    wanted = {"gcn_layers": (8, 6), "graph_sample": 10, "momentum": 0.9, **options}
    return method(name)(graph().num_features, total_steps=total_steps, **wanted)


def tiny_of_images(name, **options):
    cls = method(name)
    layers = [
        keras.Input((None, None, 3)),
        keras.layers.Conv2D(8, 3, 2, use_bias=False),
        ressl_tf.BatchNormalization("sync"),
        keras.layers.ReLU(),
        keras.layers.GlobalAveragePooling2D(),
    ]
    wanted = {"queue_size": 10, "infonce_warmup_steps": 4, "infonce_schedule": "linear"}
    wanted = {key: value for key, value in wanted.items() if key in cls.options}
    wanted |= {"image_size": 16, "hidden_dim": 8, "embedding_dim": 6, "momentum": 0.9}
    wanted |= {"batch_norm": "sync", "total_steps": STEPS}
    if name == "ressl_multicrop":
        wanted["views"] = cls.make_views(16, crop_sizes=(16, 10))
    return cls(keras.Sequential(layers), **{**wanted, **options})


def batches(model, images, steps=STEPS, start=0):
    """Return finished views of the model, other noise on other photos at every step.

    Or the graph, of which the model draws other views at every step.
    """
    if isinstance(model, ressl_tf.RGRL):
        return model.batches(graph()).take(steps - start)
    generator = np.random.default_rng(0)
    data = {name: [] for name in model.views.names}
    for _ in range(steps):
        photos = images[generator.permutation(12)[:8]].astype("float32")
        for name, size in model.views.sizes.items():
            noisy = np.clip(photos + generator.normal(0, 20, photos.shape), 0, 255)
            data[name].append(noisy[:, :size, :size].astype("float32"))
    data = {name: np.stack(views)[start:] for name, views in data.items()}
    return tf.data.Dataset.from_tensor_slices(data)


def fit(model, dataset):
    model.fit(dataset, shuffle=False, verbose=0)
    return model


def values(model):
    return {
        name: variable.numpy()
        for name, variable in state(model).items()
        if not name.startswith("metrics")
    }


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def mix_neighbours(views, seed):
    """Mix as ReCo without chance: with the neighbour, which is on the same replica."""
    count = tf.shape(views["key"])[0]
    partner = tf.range(count) + tf.tile([1, -1], [count // 2])
    mixed = 0.7 * views["query"] + 0.3 * tf.gather(views["key"], partner)
    return {**views, "mixed": mixed, "partner": partner, "fraction": tf.constant(0.7)}


@every_method
def test_every_option_is_a_flag_with_the_default_of_the_class(name):
    """So that a notebook and a command line mean the same by a method's name."""
    dataset = "graph:file.npz" if name in OF_GRAPHS else "shapes"
    cls, config = method(name), Config(method=name, dataset=dataset)
    derived = {"total_steps", "infonce_warmup_steps"}
    assert set(cls.options) - derived <= set(Config.__dataclass_fields__)
    model = tiny(name, momentum=0.99)
    shaped = {"image_size", "hidden_dim", "embedding_dim", "queue_size", "batch_norm"}
    shaped |= {"gcn_layers", "graph_sample"}
    for option in set(cls.options) - derived - shaped - {"infonce_schedule"}:
        flag = getattr(config, option)
        assert flag in ("auto", getattr(model, option)), option


@every_method
def test_no_gradient_reaches_target_or_queue(name, images):
    model = tiny(name)
    batch, seed = next(iter(batches(model, images))), tf.constant([0, 0])
    outside = [
        v.value for part in (model.target, *model.queues) for v in part.variables
    ]
    outside = [variable for variable in outside if variable.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(outside)
        views = model.mix_views(model.derive_views(batch, seed), seed)
        online = {view: model.embed(views[view]) for view in model.online_views}
        target = {v: model.embed_target(views[v], seed) for v in model.target_views}
        step = methods.base.Step(tf.constant(2, tf.int64), views)
        terms, signals = model.loss_terms(online, target, step)
        loss = tf.add_n(list(terms.values()))
    gradients = tape.gradient(loss, [*outside, *model.trainable_variables])
    assert all(gradient is None for gradient in gradients[: len(outside)])
    assert all(gradient is not None for gradient in gradients[len(outside) :])
    assert (tuple(terms), tuple(signals)) == (model.loss_names, model.signal_names)
    networks = [model.online, *([model.predictor] if model.predictor else [])]
    trained = [v for network in networks for v in network.trainable_variables]
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in trained}


@pytest.mark.slow
@every_method
def test_the_loss_falls_on_a_fixed_batch(name, images):
    """Views, target and queues fixed, and no term fading."""
    fixed = {"momentum": 1.0, "momentum_schedule": "constant", "total_steps": 10**6}
    model = tiny(name, **fixed)
    model.enqueue = lambda target: None
    model.mix_views = mix_neighbours if name == "reco" else model.mix_views
    if name == "ressl_plus":
        model.infonce_warmup_steps = 10**6
    if name == "rgrl":
        model.graph_sample = 12  # all nodes
        model.drop_features = model.drop_edges = (0.0, 0.0)
    batch, losses = next(iter(batches(model, images, steps=1))), []
    for _ in range(60):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(batch, return_dict=True)["loss"]))
    assert losses[-1] < losses[0]


@pytest.fixture(scope="module", params=NAMES)
def unbroken(request):
    """Take six steps of a method in one go, with the loss of each."""
    generator = np.random.default_rng(0)
    coarse = generator.uniform(0, 255, (12, 4, 4, 3)).astype("float32")
    photos = tf.cast(tf.image.resize(coarse, (16, 16), "bicubic"), tf.uint8).numpy()
    model = tiny(request.param, eager=True)
    return request.param, photos, fit(model, batches(model, photos))


@pytest.mark.slow
def test_a_run_in_two_pieces_equals_an_unbroken_one(unbroken, tmp_path):
    """By a checkpoint and by `.keras`: the weights and the next steps, to the bit."""
    name, photos, whole = unbroken
    first = tiny(name, eager=True)
    fit(first, batches(first, photos).take(3))
    Checkpoints(tmp_path).save(first)
    first.save(tmp_path / "model.keras")
    resumed = tiny(name, eager=True)
    resumed.optimizer.build(resumed.trainable_variables)
    for variable in resumed.trainable_variables:
        variable.assign(variable + 1.0)  # what is not restored shows
    Checkpoints(tmp_path).restore(resumed)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal(values(loaded), values(first))
    inputs = graph().inputs if name in OF_GRAPHS else photos
    np.testing.assert_array_equal(loaded(inputs), first(inputs))
    for model in (resumed, loaded):
        fit(model, batches(model, photos, start=3))
        assert_equal(values(model), values(whole))
        assert weights_sha256(model) == weights_sha256(whole)
    assert weights_sha256(first) != weights_sha256(whole)


@pytest.mark.slow
def test_two_replicas_equal_one_device(unbroken, mirrored):
    """Weights, target and queues; K = 10 is no multiple of the batch of 8."""
    name, photos, one = unbroken
    if name in OF_GRAPHS:
        pytest.skip("the whole graph is on one device")
    with mirrored.scope():
        two = tiny(name)
    if name == "reco":  # whose boxes and partners are a replica's own
        one = tiny(name, eager=True)
        one.mix_views = two.mix_views = mix_neighbours
        fit(one, batches(one, photos))
    fit(two, batches(two, photos))
    losses = [model.history.history["loss"] for model in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for first, second in zip(one.weights, two.weights, strict=True):
        close = {"rtol": 1e-4, "atol": 1e-4, "err_msg": first.path}
        np.testing.assert_allclose(first, second, **close)


@pytest.mark.slow
@every_method_of_images
def test_raw_images_and_a_config_are_enough(name, images):
    """From flags to a step on photos, through the method's own views."""
    config = Config(
        method=name,
        image_size=16,
        width=1 / 16,
        batch_norm="split",
        hidden_dim=16,
        embedding_dim=8,
        queue_size=16,
        epochs=10,
        zero_init_gamma=True,
    )
    model = build.build_model(config, steps_per_epoch=3)
    assert model.total_steps == 30
    symmetric = name in ("byol", "rsa")
    assert model.head == ("bn" if symmetric else "plain")
    assert model.momentum_schedule == ("cosine" if symmetric else "constant")
    assert getattr(model, "infonce_warmup_steps", 15) == 15
    model.compile(build.build_optimizer(config, 3), run_eagerly=True)  # no tracing
    twice = np.concatenate([images, images])  # three images a group
    logs = model.train_on_batch(twice, return_dict=True)
    assert np.isfinite(logs["loss"])
    assert logs["embedding_std"] > 0


@every_method
def test_the_hash_is_of_every_weight_that_the_next_step_needs(name):
    model = tiny(name)
    outside = {id(variable) for variable in (model.step, *model.metrics_variables)}
    seen = {weights_sha256(model)}
    weights = [v for v in model.weights if id(v) not in outside]
    for variable in weights:
        variable.assign(variable + 1)
        seen.add(weights_sha256(model))
    assert len(seen) == 1 + len(weights)
