"""Every kind of JPEG, PNG, WebP, BMP and GIF becomes uint8 RGB."""

import base64
import io

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tensorflow as tf
from helpers.photos import flat, png

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_image, header_pixels

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
    np.testing.assert_array_equal(decoded, [[[0x12, 0xFE, 0x00]]])  # 254.0
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


RNG = np.random.default_rng(0)
PHOTO = PIL.Image.fromarray(RNG.integers(0, 256, (20, 30, 3), np.uint8))
CLEAR = PIL.Image.fromarray(RNG.integers(1, 256, (20, 30, 4), np.uint8))
IN_A_GRAPH = tf.function(
    decode_image, autograph=False, input_signature=[tf.TensorSpec([], tf.string)]
)


def stored(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_pillow(data):
    image = PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data)))
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("decode", [decode_image, IN_A_GRAPH], ids=["eager", "graph"])
@pytest.mark.parametrize("kind", ["BMP", "GIF", "PNG", "WEBP"])
def test_every_format_equals_pillow(kind, decode):
    grey, palette = PHOTO.convert("L"), PHOTO.convert("P")
    for image in (PHOTO, grey, palette, CLEAR):
        data = stored(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
        np.testing.assert_array_equal(decode(tf.constant(data)), by_pillow(data))


def test_a_lossy_webp_equals_pillow():
    for image in (PHOTO, CLEAR):
        data = stored(image, "WEBP", quality=70)
        np.testing.assert_array_equal(decode_image(data), by_pillow(data))


def test_the_first_frame_of_a_moving_gif():
    frames = [PHOTO.rotate(180).convert("P")]
    data = stored(PHOTO.convert("P"), "GIF", save_all=True, append_images=frames)
    np.testing.assert_array_equal(decode_image(data), by_pillow(data))


def test_what_tensorflow_crashes_at_or_misreads_is_refused():
    moving = stored(PHOTO, "WEBP", save_all=True, append_images=[PHOTO.rotate(180)])
    cases = {
        "an animated WebP": moving,
        "a BMP that is": stored(CLEAR.convert("1"), "BMP"),
    }
    packed = bytearray(stored(PHOTO.convert("P"), "BMP"))
    packed[30] = 1  # run lengths
    cases |= {"compressed, or not of": bytes(packed), "are no JPEG, PNG, WebP": b"text"}
    for reason, data in cases.items():
        for decode in (decode_image, IN_A_GRAPH):
            with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
                decode(tf.constant(data))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("PNG", {}),
        ("JPEG", {}),
    ],
)
def test_the_header_has_the_number_of_pixels(kind, options):
    for image in (PHOTO, CLEAR.convert("RGB") if kind == "JPEG" else CLEAR):
        assert int(header_pixels(stored(image, kind, **options))) == 600
    with pytest.raises(tf.errors.InvalidArgumentError, match="600 pixels, more than"):
        decode_image(stored(PHOTO, kind, **options), Decoding(max_pixels=599))


def test_sixteen_bits_are_rounded_to_eight():
    deep = RNG.integers(0, 2**16, (9, 7, 3), np.uint16)
    decoded = decode_image(tf.io.encode_png(deep)).numpy()
    np.testing.assert_array_equal(decoded, np.rint(deep / 257.0))


def with_palette():
    image = PIL.Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768).astype("uint8"))
    file = io.BytesIO()
    image.save(file, "BMP")
    return file.getvalue()


def number(value):
    return int(value).to_bytes(4, "little")


def test_colours_beyond_a_short_palette_are_black_as_in_pillow():
    whole = with_palette()
    start, end = 54, 54 + 4 * 100
    data = whole[:10] + number(end) + whole[14:46] + number(100) + whole[50:end]
    data += whole[start + 1024 :]
    wanted = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(decode_image(tf.constant(data)), wanted)


@pytest.mark.parametrize("decode", [decode_image, IN_A_GRAPH], ids=["eager", "graph"])
@pytest.mark.parametrize(
    ("place", "value"), [(14, 2_000_000), (10, 2**31 + 9), (10, 9)]
)
def test_a_palette_beyond_the_file_is_an_error_of_one_line(decode, place, value):
    whole = with_palette()
    data = whole[:2] + b"\x80\x80" + whole[4:]  # bytes that are no text
    data = data[:place] + number(value) + data[place + 4 :]
    with pytest.raises(tf.errors.InvalidArgumentError, match="palette is not in the"):
        decode(tf.constant(data))
