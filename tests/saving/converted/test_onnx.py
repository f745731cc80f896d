"""Files of ONNX give what the model gives."""

import numpy as np
import pytest
from helpers.converting import Rare, function_of, gelu_encoder
from helpers.exports import tiny_classifier

from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.converted import onnx


@pytest.fixture
def opened(tmp_path):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")

    def write(model, **options):
        path = tmp_path / "m.onnx"
        path.write_bytes(onnx.convert(function_of(model, **options)))
        return onnx.opened(path)

    return write


def test_a_file_has_the_models_features_at_any_batch_and_size(images, opened):
    encoder = gelu_encoder()
    run = opened(encoder, size=None)
    for length, side in ((3, 16), (1, 12), (5, 10)):
        some = images[:length, :side, :side]
        wanted = function_of(encoder, size=side).function(some)["features"]
        np.testing.assert_allclose(run(some)["features"], wanted, atol=1e-5)
    np.testing.assert_allclose(
        run(images)["features"], encoder.features(images), atol=1e-5
    )


def test_outputs_keep_their_names(images, opened):
    classifier = tiny_classifier()
    run = opened(classifier, outputs=("features", "logits", "probabilities"))
    made = run(images)
    assert set(made) == {"features", "logits", "probabilities"}
    np.testing.assert_allclose(made["logits"], classifier(images), atol=1e-5)
    np.testing.assert_allclose(made["probabilities"].sum(1), 1, atol=1e-5)


def test_images_of_five_channels_are_taken(opened):
    encoder = gelu_encoder(channels=5)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 5))
    made = opened(encoder, input_type="float32")(pixels.astype(np.float32))
    wanted = encoder.features(pixels.astype(np.float32))
    np.testing.assert_allclose(made["features"], wanted, atol=1e-5)


def test_an_operation_that_it_lacks_is_named(opened):
    with pytest.raises(UsageError, match="--format=onnx has no Igamma, which"):
        opened(gelu_encoder(Rare()))


def test_without_the_converter_it_says_what_installs_it(monkeypatch):
    monkeypatch.setattr(onnx.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs tf2onnx: pip install 'ressl_tf\[on"):
        onnx.check_installed()
