"""One whole step of a method against plain NumPy."""

import keras
import numpy as np
import tensorflow as tf

import ressl_tf
from helpers import numpy_methods as reference
from ressl_tf.data.augment.views import Views, weak_view
from ressl_tf.models.backbones.batch_norm import BatchNormalization

SIDE, WIDTH, HIDDEN, DIM, QUEUE, BATCH = 4, 5, 4, 3, 8, 6
MEAN, STD = np.array((0.5, 0.4, 0.3)), np.array((0.2, 0.3, 0.25))
STEP, TOTAL = 3, 10  # the fourth of ten steps


def tiny(cls, **options):
    """Return a model whose online network, target and predictor all differ."""
    layers = [
        keras.layers.InputLayer(shape=(SIDE, SIDE, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(WIDTH, use_bias=False),
        BatchNormalization(),
        keras.layers.ReLU(),
    ]
    if cls is ressl_tf.ReSSLMultiCrop:  # any two crops will do here, of one size
        options["views"] = Views(
            {name: weak_view(SIDE) for name in "ab"} | {"weak": weak_view(SIDE)}
        )
    if "queue_size" in cls.options:
        options = {"queue_size": QUEUE, **options}
    numbers = {"image_size": SIDE, "hidden_dim": HIDDEN, "embedding_dim": DIM}
    numbers |= {
        "momentum": 0.9,
        "mean": MEAN.tolist(),
        "std": STD.tolist(),
        "total_steps": TOTAL,
    }
    model = cls(keras.Sequential(layers), **{**numbers, **options})
    generator = np.random.default_rng(3)
    for variable in (*model.trainable_variables, *parameters(model.target)):
        variable.assign(generator.normal(scale=0.5, size=variable.shape))
    model.compile(ressl_tf.SGD(1.0, 0.0, 0.0), run_eagerly=True)  # no tracing
    model.step.assign(STEP)
    return model


def parameters(network):
    return [v for v in network.variables if "moving" not in v.name]


def statistics(*networks):
    """Return means and variances of the batch normalisations, in the layers' order."""
    return [v for net in networks for v in net.variables if "moving" in v.name]


def numbers(variables):
    return [v.numpy().astype("float64") for v in variables]


def random_views(model, seed=0):
    generator = np.random.default_rng(seed)
    return {
        name: generator.uniform(0, 255, (BATCH, SIDE, SIDE, 3)).astype("float32")
        for name in model.views.names
    }


def flat(images):
    return ((np.asarray(images, "float64") / 255 - MEAN) / STD).reshape(BATCH, -1)


def close(actual, expected, message=""):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4, err_msg=message)


def assert_step_equals_numpy(cls, options, drawn):
    """Compare losses, weights, statistics, target and queues with the reference's."""
    model, name = tiny(cls, **options), cls.__module__.split(".")[-1]
    views = random_views(model)
    mixed = model.mix_views(views, tf.random.fold_in(tf.constant([0, STEP]), 0))
    drawn = {**drawn, "step": STEP, "total": TOTAL}
    drawn |= {key: mixed[key].numpy() for key in mixed if key not in views}
    images = {key: flat(mixed[key]) for key in mixed if mixed[key].ndim == 4}
    symmetric = name in ("byol", "rsa")
    layers = reference.BACKBONE + (reference.NORMED if symmetric else reference.PLAIN)
    predictor = drawn.get("predictor", reference.NORMED)
    momentum = 1 - 0.1 * reference.cosine(STEP + 1, TOTAL) if symmetric else 0.9
    before, queues = model.trainable_variables, [q.keys.numpy() for q in model.queues]
    before = numbers(before)
    behind = predictor if model.predictor else []
    trained = [model.online, *filter(None, [model.predictor])]
    running = [numbers(statistics(*nets)) for nets in (trained, [model.target])]
    terms, gradients, target, keys = reference.step(
        getattr(reference, name),
        layers,
        behind,
        numbers(parameters(model.target)),
        before,
        images,
        queues,
        momentum,
        drawn,
    )
    logs = model.train_on_batch(views, return_dict=True)
    close(logs["loss"], sum(terms.values()))
    for term in model.loss_names:
        close(logs[term if len(terms) > 1 else "loss"], terms[term], term)
    after = numbers(model.trainable_variables)
    for old, new, gradient in zip(before, after, gradients, strict=True):
        close(old - new, gradient)
    for actual, expected in zip(parameters(model.target), target, strict=True):
        close(actual, expected)
    sides = (trained, layers + behind, before), ([model.target], layers, target)
    for side, old, passes in zip(sides, running, reference.PASSES[name], strict=True):
        batches = [images[view] for view in passes]
        moved = reference.running_statistics(*side[1:], old, batches)
        for actual, expected in zip(statistics(*side[0]), moved, strict=True):
            close(actual, expected, actual.path)
    names = {"mocov2": ["key"], "reco": ["key", "weak"]}.get(name, ["weak"])
    for queue, old, view in zip(model.queues, queues, names, strict=bool(queues)):
        expected = reference.first_in_first_out(old, 0, keys[view])
        close(queue.keys, expected)
    assert len(model.queues) == (0 if symmetric else len(names))
    assert int(model.step.numpy()) == STEP + 1


def after_a_step(model, views):
    """Return loss, trained weights, target and queues after one step on `views`."""
    loss = model.train_on_batch(views, return_dict=True)["loss"]
    variables = (*model.trainable_variables, *parameters(model.target))
    queues = [queue.keys.numpy() for queue in model.queues]
    return [loss, *numbers(variables), *queues]


def assert_same_step(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)
