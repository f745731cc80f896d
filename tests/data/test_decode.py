"""Every kind of JPEG and PNG becomes uint8 RGB."""

import base64

import numpy as np
import tensorflow as tf
from helpers.photos import flat, png

from ressl_tf.data.decode import decode_image

# 8 x 8, CMYK with Adobe's inverted values; Pillow reads (56, 223, 202) in the upper
# half and (189, 172, 28) in the lower.
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZ"
    "gWpxkHNbXYW1hpCeo6utq2eAvMm6pseZqKuk/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEB"
    "AQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQci"
    "cRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm"
    "Z2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV"
    "1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwCf/hHf+nv/AMh//Xre3e1J/wAJ"
    "D/06/wDkT/61bf2n/Y/Wv//Z"
)


def test_grey_palette_deep_and_transparent_images_become_rgb():
    palette = png(
        *(2, 1, 8, 3, [b"\0\1"]),
        (b"PLTE", bytes([10, 200, 30, 250, 20, 60])),
        (b"tRNS", bytes([255, 0])),
    )
    decoded = decode_image(palette).numpy()
    np.testing.assert_array_equal(decoded[0], [[10, 200, 30], [250, 20, 60]])
    deep = np.array([[[0x1234, 0xFF00, 0x0080]]], np.uint16)
    decoded = decode_image(tf.io.encode_png(deep)).numpy()
    np.testing.assert_array_equal(decoded, [[[0x12, 0xFF, 0x00]]])
    half_seen = np.array([[[200, 100, 50, 128], [9, 8, 7, 0]]], np.uint8)
    decoded = decode_image(tf.io.encode_png(half_seen)).numpy()
    np.testing.assert_array_equal(decoded, half_seen[..., :3])
    for channels in (1, 2):
        grey = np.full((3, 2, channels), 77, np.uint8)
        decoded = decode_image(tf.io.encode_png(grey)).numpy()
        np.testing.assert_array_equal(decoded, flat(77, 3, 2))
    grey = tf.io.encode_jpeg(np.full((8, 8, 1), 77, np.uint8))
    np.testing.assert_array_equal(decode_image(grey).numpy(), flat(77))


def test_cmyk_jpeg_equals_pillow():
    decoded = decode_image(CMYK_JPEG).numpy().astype(int)
    assert abs(decoded[1, 1] - [56, 223, 202]).max() <= 2
    assert abs(decoded[6, 6] - [189, 172, 28]).max() <= 2


def test_jpeg_is_decoded_with_the_accurate_transform():
    rng = np.random.default_rng(0)
    encoded = tf.io.encode_jpeg(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    accurate = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
    fast = tf.io.decode_jpeg(encoded, dct_method="INTEGER_FAST")
    np.testing.assert_array_equal(decode_image(encoded), accurate)
    assert not np.array_equal(fast, accurate)
