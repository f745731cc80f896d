"""HEIC, against Pillow with the same library."""

import io

import numpy as np
import PIL.Image
import pytest
from helpers.library_photos import heic

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_any

pytest.importorskip("pillow_heif")
RNG = np.random.default_rng(0)
PHOTO = PIL.Image.fromarray(RNG.integers(0, 256, (6, 4, 3), np.uint8)).resize((64, 96))


def by_pillow(data):
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def test_colours_grey_and_alpha():
    for image in (PHOTO, PHOTO.convert("L"), PHOTO.convert("RGBA")):
        data = heic(image)
        found = decode_any(data).numpy()
        assert found.shape == (96, 64, 3)
        np.testing.assert_array_equal(found, by_pillow(data))
        assert abs(found.astype(int) - np.asarray(image.convert("RGB"))).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    source = io.BytesIO()
    PHOTO.save(source, "JPEG", exif=exif)
    upright = PIL.ImageOps.exif_transpose(PIL.Image.open(source))
    data = heic(PHOTO, exif=exif.tobytes())
    found = decode_any(data).numpy()
    assert found.shape == np.asarray(upright).shape
    assert abs(found.astype(int) - np.asarray(upright)).mean() < 12


def test_what_is_refused():
    data = heic(PHOTO)
    with pytest.raises(Exception, match="HEIC: "):
        decode_any(data[:-200])
    with pytest.raises(Exception, match="6144 pixels, more than max_pixels=6143"):
        decode_any(data, Decoding(max_pixels=6143))
