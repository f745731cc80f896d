"""Files of LiteRT give what the model gives."""

import numpy as np
import pytest
from helpers.converting import Rare, function_of, gelu_encoder
from helpers.exports import tiny_encoder

from ressl_tf.models import pyramid
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.converted import litert
from ressl_tf.saving.converted.checking import cosine


def opened(tmp_path, images, encoder, precision="float32", **options):
    source = function_of(encoder, **options)
    path = tmp_path / "m.tflite"
    path.write_bytes(litert.convert(source, precision, lambda: [images]))
    return litert.opened(path, images[:1])


def test_a_file_has_the_models_features_at_any_batch(images, tmp_path, capfd):
    encoder = gelu_encoder()
    run = opened(tmp_path, images, encoder)
    for length in (3, 1, 5):
        found = run(images[:length])["features"]
        wanted = encoder.features(images[:length])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_floats_keep_their_fractions(images, tmp_path):
    encoder = tiny_encoder(projector=False)
    pixels = images + np.float32(0.4)
    run = opened(tmp_path, pixels, encoder, input_type="float32")
    wanted = encoder.features(pixels)
    np.testing.assert_allclose(run(pixels)["features"], wanted, atol=1e-5)
    assert np.abs(encoder.features(images) - wanted).max() > 1e-4


def test_feature_maps_keep_their_names(images, tmp_path):
    encoder = gelu_encoder()
    levels = pyramid.levels(encoder.backbone)
    found = opened(tmp_path, images, encoder, levels=levels)(images)
    network = pyramid.network(encoder.backbone, levels)
    wanted = network(encoder.normalized(images))
    assert set(found) == {"features", "C1"}
    assert found["C1"].shape == (12, 8, 8, 8)
    np.testing.assert_allclose(found["C1"], wanted["C1"], atol=1e-5)


def test_float16_takes_half_and_int8_a_quarter(images, tmp_path):
    encoder = gelu_encoder()
    wanted = encoder.features(images).numpy()
    files = {}
    for precision in ("float16", "int8"):
        run = opened(tmp_path, images, encoder, precision)
        found = run(images)["features"]
        files[precision] = (tmp_path / "m.tflite").read_bytes()
        assert np.abs(found - wanted).max() > 1e-6
        assert found.dtype == np.float32
        assert cosine(found, wanted).min() > 0.98
    details = litert._interpreter()(model_content=files["int8"]).get_tensor_details()
    assert np.int8 in {each["dtype"] for each in details}


def test_an_operation_that_it_lacks_is_named(images):
    with pytest.raises(UsageError, match="--format=litert has no Igamma, which"):
        litert.convert(function_of(gelu_encoder(Rare())), "float32", list)
