"""Files of stock Keras layers give what their source gives."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.exports import MEAN, STD, tiny_classifier, tiny_encoder

from ressl_tf.models.encoder import Encoder
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import keras_file
from ressl_tf.saving.pretrained import open_pretrained


def test_a_keras_file_has_stock_layers_and_the_sources_features(images, tmp_path):
    encoder = tiny_encoder("split")
    keras_file.save(
        keras_file.stock_model(encoder, None, ("features",)), tmp_path / "m.keras"
    )
    model = keras.saving.load_model(tmp_path / "m.keras")
    assert "ressl_tf" not in model.to_json()
    features = encoder.features(images)
    np.testing.assert_allclose(model.predict(images, verbose=0), features, atol=1e-5)
    np.testing.assert_allclose(model(images.astype("float32")), features, atol=1e-5)
    assert model(np.zeros((1, 20, 24, 3), "uint8")).shape == (1, 8)
    assert len(model.trainable_variables) == 6
    opened = open_pretrained(str(tmp_path / "m.keras"))
    np.testing.assert_allclose(opened.encoder.features(images), features, atol=1e-5)


def test_a_keras_file_may_give_several_outputs(images):
    encoder, classifier = tiny_encoder(), tiny_classifier()
    made = keras_file.stock_model(encoder, 16, ("features", "embeddings"))(images)
    np.testing.assert_allclose(made["embeddings"], encoder(images), atol=1e-5)
    names = ("features", "logits", "probabilities")
    made = keras_file.stock_model(classifier, 16, names)(images)
    logits = classifier(images)
    np.testing.assert_allclose(made["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(made["probabilities"], tf.nn.softmax(logits), atol=1e-5)


@keras.saving.register_keras_serializable(package="test_export")
class Own(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def test_layers_that_are_not_keras_are_refused_by_name():
    inner = keras.Sequential([keras.Input((16, 16, 3)), Own(name="mine")])
    pooling = keras.layers.GlobalAveragePooling2D()
    backbone = keras.Sequential([keras.Input((16, 16, 3)), inner, pooling])
    with pytest.raises(UsageError, match="Received: mine, a Own; use --format=saved"):
        keras_file.stock_model(Encoder(backbone, None, MEAN, STD), 16, ("features",))


def traced(model):
    """Trace a model as Keras's exports to ONNX, LiteRT and SavedModel do."""
    spec = tf.TensorSpec(model.inputs[0].shape, tf.float32)
    return tf.function(model.call).get_concrete_function(spec)


@pytest.mark.parametrize("size", [16, None])
def test_a_keras_file_takes_images_alone_and_holds_weights_alone(tmp_path, size):
    """ONNX files ask for what a graph captures beside its variables."""
    stock = keras_file.stock_model(tiny_encoder(), size, ("features",))
    keras_file.save(stock, tmp_path / "m.keras")
    model = keras.saving.load_model(tmp_path / "m.keras")
    function = traced(model)
    given = [x for x in function.inputs if x.dtype != tf.resource]
    assert [tuple(x.shape) for x in given] == [(None, size, size, 3)]
    captured = {id(handle) for handle, _ in function.graph.captures}
    assert captured == {id(v.value.handle) for v in model.variables}
    assert len(captured) == len(tiny_encoder().backbone.variables)


@pytest.mark.slow
def test_a_keras_file_becomes_litert_with_the_same_features(images, tmp_path):
    model = keras_file.stock_model(tiny_encoder(), 16, ("features",))
    model.export(tmp_path / "m.tflite", format="litert", verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TensorFlow's on its own interpreter
        interpreter = tf.lite.Interpreter(str(tmp_path / "m.tflite"))
    interpreter.allocate_tensors()
    (given,), (made,) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )
    assert tuple(given["shape"]) == (1, 16, 16, 3)
    interpreter.set_tensor(given["index"], images[:1].astype("float32"))
    interpreter.invoke()
    features = interpreter.get_tensor(made["index"])
    np.testing.assert_allclose(features, model(images[:1]), atol=1e-5)
