"""Images on another scale than 0..255 are noticed, once."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.models import tiny_model

from ressl_tf.data.pixel_scale import is_foreign

SCALES = {
    "0..1": lambda x: x / 255.0,
    "-1..1": lambda x: x / 127.5 - 1.0,
    "standardised": lambda x: (x / 255.0 - 0.45) / 0.225,
    "caffe": lambda x: x - 123.0,
    "16 bits": lambda x: x * 257.0,
    "0 and 1 in bytes": lambda x: np.uint8(x / 255.0),
}


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if "0..255" in r.getMessage()]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCALES)
def test_a_wrong_scale_is_said_once_by_fit(images, caplog, name):
    wrong = SCALES[name](images.astype("float32"))
    model = tiny_model()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        model.fit(wrong, batch_size=4, epochs=2, verbose=0)
        model.predict(wrong, verbose=0)
        model.evaluate(wrong, verbose=0)
    assert len(warnings(caplog)) == 1
    assert "raw ones on 0..255 are expected" in warnings(caplog)[0]


@pytest.mark.slow
@pytest.mark.parametrize("call", ["predict", "evaluate", "train_on_batch"])
def test_every_way_to_images_is_watched(images, caplog, call):
    model = tiny_model()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        getattr(model, call)(images)
        assert not warnings(caplog)
        getattr(model, call)(images.astype("float32") / 255)
    assert len(warnings(caplog)) == 1
    assert "from 0 to 1:" in warnings(caplog)[0]


def test_a_dataset_and_finished_views_are_watched(images, caplog):
    scaled = images.astype("float32") / 255
    for data in (scaled, {"strong": scaled, "weak": scaled}):
        batches = tf.data.Dataset.from_tensors(data).repeat(2)
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="ressl_tf"):
            tiny_model().fit(batches, steps_per_epoch=2, verbose=0)
        assert len(warnings(caplog)) == 1


@pytest.mark.slow
def test_raw_images_of_any_type_and_resampled_ones_are_not_warned_of(images, caplog):
    large = tf.image.resize(images, (24, 24), "bicubic").numpy()
    assert large.max() > 255 or large.min() < 0
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        for raw in (images, images.astype("float32"), images.astype("int32"), large):
            tiny_model().fit(raw, batch_size=6, verbose=0)
    assert not warnings(caplog)
    assert not is_foreign(0, 20)  # a dark batch


def test_what_is_watched_is_no_weight_and_is_not_saved(images, tmp_path):
    model = tiny_model()
    model.fit(images, batch_size=6, verbose=0)
    assert not [v for v in model.variables if "pixel_range" in v.name]
    model.save(tmp_path / "model.keras")
    keras.saving.load_model(tmp_path / "model.keras").predict(images, verbose=0)


@pytest.mark.slow
def test_two_replicas_watch_alike(images, caplog, mirrored):
    with mirrored.scope():
        model = tiny_model()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        model.fit(images / 255.0, batch_size=4, verbose=0)
        model.predict(images / 255.0, batch_size=4, verbose=0)
    assert len(warnings(caplog)) == 1


def test_values_that_are_not_finite_and_a_smaller_scale_are_said(images, caplog):
    holes = images.astype("float32")
    holes[0, 0, 0, 0] = np.nan
    model = tiny_model()
    with caplog.at_level(logging.WARNING, logger="ressl_tf"):
        model.predict(holes, verbose=0)
        tiny_model().predict(images / 2.55, verbose=0)
        tiny_model().predict(images // 3, verbose=0)  # dark bytes
    found = [r.getMessage() for r in caplog.records if r.name == "ressl_tf"]
    assert len(found) == 2
    assert "not finite" in found[0]
    assert "on another scale, such as 0..100" in found[1]
