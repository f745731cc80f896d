"""`.npy` files of one image, against NumPy."""

import io

import numpy as np
import pytest

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_any

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 7, 3), np.uint8)


def npy(values, **options):
    file = io.BytesIO()
    np.save(file, values, **options)
    return file.getvalue()


@pytest.mark.parametrize("values", [RGB, np.asfortranarray(RGB), RGB[..., 0]])
def test_bytes_are_as_they_are(values):
    wanted = values if values.ndim == 3 else np.repeat(values[..., None], 3, -1)
    np.testing.assert_array_equal(decode_any(npy(values)), wanted)


def test_other_types_by_their_range():
    deep = RNG.integers(-(2**15), 2**15, (4, 6), np.int16).astype(">i2")
    wanted = np.rint((deep.astype(np.float32) + 2**15) / (2**16 - 1) * 255)
    found = decode_any(npy(deep)).numpy()
    np.testing.assert_allclose(found, np.repeat(wanted[..., None], 3, -1), atol=1)
    mask = RGB > 128
    np.testing.assert_array_equal(decode_any(npy(mask)), 255 * mask)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 224, 224), np.uint8), r"at most 64 bands; this is \[3, 224, 224"),
        (np.zeros(9), "height, width"),
        (np.zeros((0, 4), np.uint8), "is no image"),
        (np.array([[{}]]), "Python objects"),
        (np.array([["a"]]), "no image"),
        (np.zeros((90, 100), np.uint8), "9000 pixels, more than max_pixels=8000"),
    ],
)
def test_what_is_no_image(values, message):
    with pytest.raises(Exception, match=message):
        decode_any(npy(values, allow_pickle=True), Decoding(max_pixels=8000))
    with pytest.raises(Exception, match="NumPy array: "):
        decode_any(npy(RGB)[:-9])
