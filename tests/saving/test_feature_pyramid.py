"""A trained backbone's feature maps, in Keras, a SavedModel and a `.keras` file."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ressl_tf
from ressl_tf.config.export_config import ExportConfig
from ressl_tf.saving import exporter
from ressl_tf.saving.rebuild import rebuild


@pytest.mark.slow
def test_all_forms_have_the_same_maps(unbroken, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 64, 3)).astype(np.uint8)
    encoder = ressl_tf.open_pretrained(unbroken[1]).encoder
    pooled = rebuild(encoder, None).features(images).numpy()
    model = ressl_tf.feature_pyramid(unbroken[1])
    maps = model(images)
    assert {n: tuple(m.shape[1:3]) for n, m in maps.items()} == {
        "C2": (8, 16),
        "C3": (4, 8),
        "C4": (2, 4),
        "C5": (1, 2),
    }
    np.testing.assert_allclose(tf.reduce_mean(maps["C5"], [1, 2]), pooled, rtol=1e-4)
    about = {"workdir": str(unbroken[1]), "endpoints": ("pooled", "pyramid")}
    told = exporter.export(ExportConfig(**about, output=str(tmp_path / "saved")))
    assert told["feature_maps"]["C3"] == {"stride": 8, "channels": 8}
    assert "| C3 | 8 | 8 |" in (tmp_path / "saved/model_card.md").read_text()
    saved = tf.saved_model.load(tmp_path / "saved")
    served = saved.signatures["serving_pyramid"](images=tf.constant(images))
    file = tmp_path / "model.keras"
    exporter.export(ExportConfig(**about, format="keras", output=str(file)))
    stock = keras.saving.load_model(file)(images)
    np.testing.assert_allclose(stock["features"], pooled, rtol=1e-4, atol=1e-6)
    for name, wanted in maps.items():
        for made in (saved.pyramid(images), served, stock):
            np.testing.assert_allclose(made[name], wanted, rtol=1e-3, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(saved.train_pyramid(images)["C2"] ** 2)
    gradients = tape.gradient(loss, saved.trainable_variables)
    learn = [each is not None and float(tf.norm(each)) > 0 for each in gradients]
    assert 6 < sum(learn) < len(learn)  # the later stages do not reach C2
