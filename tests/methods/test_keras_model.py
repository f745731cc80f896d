"""Signatures, unknown arguments, and Keras's own export and summary."""

import functools
import inspect

import numpy as np
import pytest
import tensorflow as tf
from helpers.graphs import planted_graph
from helpers.models import tiny_model

import ressl_tf
from ressl_tf.config.method_table import METHODS
from ressl_tf.methods.images import ImageSSL
from ressl_tf.runtime.errors import UsageError


def parameters(cls):
    return inspect.signature(cls).parameters


def test_the_signature_shows_the_arguments_of_all_classes():
    shown = parameters(ressl_tf.ReSSL)
    assert next(iter(shown)) == "backbone"
    assert {"queue_size", "image_size", "hidden_dim", "views", "momentum"} <= set(shown)
    assert shown["image_size"].default == 32
    assert not any(p.kind == p.VAR_KEYWORD for p in shown.values())
    assert parameters(ressl_tf.BYOL)["head"].default == "bn"  # its own, not a parent's
    assert next(iter(parameters(ressl_tf.RGRL))) == "num_features"
    assert "online" not in shown


def test_a_model_is_called_by_the_signature_of_keras(images):
    """TensorFlow binds what it is given to it, as several workers do."""
    model = tiny_model()
    predict = tf.function(functools.partial(model, training=False))
    expected = model(images, training=False)
    np.testing.assert_allclose(predict(images), expected, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_every_option_of_every_method_is_shown(name):
    cls = getattr(ressl_tf, METHODS[name].class_name)
    assert set(cls.options) <= set(parameters(cls))


def test_a_method_of_ones_own_has_a_signature_too():
    class Mine(ImageSSL):
        def __init__(self, backbone="resnet18", *, weight=2.0, **kwargs):
            super().__init__(backbone, **kwargs)

    class Closed(Mine):
        def __init__(self, only):
            super().__init__()

    assert parameters(Mine)["weight"].default == 2.0
    assert "image_size" in parameters(Mine)
    assert list(parameters(Closed)) == ["only"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("width", r"no argument width: .*backbones\.build\('resnet18'.*width=0\.25"),
        ("projector", "made of hidden_dim, embedding_dim and head"),
        ("queue_sise", "did you mean queue_size?"),
        ("learning_rate", r"model\.compile"),
        ("banana", "it has backbone, queue_size, .*seed"),
    ],
)
def test_unknown_arguments_are_refused_before_anything_is_built(given, message):
    with pytest.raises(UsageError, match=message):
        ressl_tf.ReSSL(backbone=None, **{given: 1})


def test_keras_exports_the_features_of_bytes_and_floats(images, tmp_path):
    """Of a model that was never called; target and queue stay behind."""
    model = tiny_model()
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    features = model.predict(images, verbose=0)
    for given in (images, images.astype("float32")):
        np.testing.assert_allclose(served.serve(given), features, atol=1e-5)
    (made,) = served.signatures["serving_default"](tf.constant(images)).values()
    np.testing.assert_allclose(made, features, atol=1e-5)
    assert len(served.variables) == len(model.online.backbone.variables)


def test_keras_exports_by_a_signature_that_is_given(images, tmp_path):
    model = tiny_model()
    spec = [tf.TensorSpec([2, 16, 16, 3], tf.float32)]
    model.export(tmp_path / "exported", verbose=False, input_signature=spec)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    floats = images[:2].astype("float32")
    np.testing.assert_allclose(served.serve(floats), model(floats), atol=1e-5)


def test_keras_exports_a_graph(tmp_path):
    graph = planted_graph()
    model = ressl_tf.RGRL(graph.num_features, gcn_layers=(8, 6))
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    embeddings = served.serve(dict(graph.inputs))
    np.testing.assert_allclose(embeddings, model(graph.inputs), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n, row in METHODS.items() if row.learns_from == "images"]
)
def test_every_method_of_images_is_exported(images, tmp_path, name):
    cls = getattr(ressl_tf, METHODS[name].class_name)
    options = {"total_steps": 9} if name in ("byol", "rsa") else {"queue_size": 10}
    if name == "ressl_multicrop":
        options["views"] = cls.make_views(16, crop_sizes=(16,))
    backbone = tiny_model().online.backbone
    sizes = {"image_size": 16, "hidden_dim": 8, "embedding_dim": 6}
    model = cls(backbone, **sizes, **options)
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(served.serve(images), model(images), atol=1e-5)


def rows(model):
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), line_length=120)
    return "\n".join(lines)


def test_the_summary_shows_shapes():
    shown = rows(tiny_model())
    assert "?" not in shown
    for shape in ("(None, 6)", "(10, 6)", "strong: (None, 16,"):
        assert shape in shown
    graph = rows(ressl_tf.RGRL(5, gcn_layers=(8, 6)))
    assert "?" not in graph
    assert "(None, 6)" in graph
    classifier = ressl_tf.Classifier(tiny_model().online, 3)
    assert "?" not in rows(classifier)
