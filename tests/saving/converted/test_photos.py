"""Photos that an export is calibrated with and checked on."""

import numpy as np
import pytest
from helpers.exports import tiny_encoder
from helpers.photos import write

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving.converted import photos
from ressl_tf.saving.pretrained import Pretrained


def opened(tmp_path, images, dtype="uint8"):
    for i, image in enumerate(images):
        write(tmp_path / "photos" / f"{i:03}.png", image)
    config = ExportConfig(
        *("run", "", "last", "my.tflite", "litert"),
        dataset=f"folder:{tmp_path / 'photos'}",
    )
    pretrained = Pretrained(tmp_path, "workdir", tiny_encoder(), 16)
    return photos.open_photos(config, pretrained, 16, dtype)


def read(part):
    return np.concatenate(list(part.batches()))


@pytest.mark.slow
def test_a_few_are_both_and_come_as_they_are(images, tmp_path):
    calibrated, checked = opened(tmp_path, images)
    for part in (calibrated, checked):
        np.testing.assert_array_equal(read(part), images)
    assert read(opened(tmp_path, images, "float32")[0]).dtype == np.float32


def test_many_are_calibrated_with_or_checked_on(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "CALIBRATED", 4)
    monkeypatch.setattr(photos, "CHECKED", 10)
    flat = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((16, 16, 3))
    calibrated, checked = opened(tmp_path, flat.astype(np.uint8))
    one, other = ({int(n) for n in read(p)[:, 0, 0, 0]} for p in (calibrated, checked))
    assert (len(one), len(other)) == (calibrated.size, checked.size) == (4, 10)
    assert not one & other


def test_random_pixels_are_the_same_each_time():
    some = photos.RandomPixels((4, 6, 2), "uint8")
    first, again = read(some), read(some)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (20, 4, 6, 2)
    assert (first.min() < 30) & (first.max() > 225)
    assert [len(batch) for batch in some.batches()] == [16, 4]


def test_without_a_set_it_asks_for_one(tmp_path):
    config = ExportConfig("run", output="my.tflite", format="litert", precision="int8")
    pretrained = Pretrained(tmp_path, "keras", tiny_encoder(), 16)
    with pytest.raises(UsageError, match="give --dataset, such as folder:/photos"):
        photos.open_photos(config, pretrained, 16, "uint8")


def test_types_without_fractions_are_rounded_and_cut():
    values = np.array([-3.0, 1.5, 2.4, 300.0])
    assert photos.as_type(values, "uint8").tolist() == [0, 2, 2, 255]
    assert photos.as_type(values, "float32").tolist() == [
        -3,
        1.5,
        pytest.approx(2.4),
        300,
    ]
