"""JPEG XL: its sides in the header, and its pixels."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_image
from ressl_tf.data.jxl_header import jxl_pixels

# The first bytes of files that libjxl wrote.
HEADERS = {
    "ff0a09412408020100a8": (40, 60),
    "ff0a4f402408020100": (64, 64),
    "ff0af83e100908020100": (480, 640),
    "ff0a5839100908020100": (300, 400),
    "ff0a3a1f000088040802": (1000, 1),
    "ff0a3a9ce86a83480802": (5000, 7000),
    "ff0a": None,
    "0000000c4a584c20": None,
}
IN_A_GRAPH = tf.function(
    decode_image, autograph=False, input_signature=[tf.TensorSpec([], tf.string)]
)


@pytest.mark.parametrize(("header", "sides"), HEADERS.items())
def test_the_header_has_the_number_of_pixels(header, sides):
    expected = sides[0] * sides[1] if sides else 0
    found = int(jxl_pixels(bytes.fromhex(header)))
    assert found == expected or not sides


@pytest.mark.parametrize("decode", [decode_image, IN_A_GRAPH], ids=["eager", "graph"])
def test_pixels_are_those_that_were_written(decode):
    imagecodecs = pytest.importorskip("imagecodecs")
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (3, 33, 47, 4), np.uint8)
    rgb = photos[0, ..., :3]
    cases = [
        (rgb, rgb, {}),
        (rgb, rgb, {"usecontainer": True}),
        (photos[0], rgb, {}),
        (rgb[..., 0], np.repeat(rgb[..., :1], 3, -1), {}),
        (photos[..., :3], rgb, {}),  # the first frame of a moving one
    ]
    for written, wanted, options in cases:
        data = imagecodecs.jpegxl_encode(written, lossless=True, **options)
        assert int(jxl_pixels(data)) == 33 * 47
        np.testing.assert_array_equal(decode(tf.constant(data)), wanted)
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than max_pix"):
            decode_image(data, Decoding(max_pixels=1550))
