"""Photos upright, against Pillow."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tensorflow as tf

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_image
from ressl_tf.data.header_table import Exif
from ressl_tf.data.orientation import may_be_turned, stored

SMALL = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
PHOTO = PIL.Image.fromarray(SMALL).resize((48, 32))


def jpeg(exif=None, **options):
    file = io.BytesIO()
    PHOTO.save(file, "JPEG", **({"exif": exif} if exif else {}), **options)
    return file.getvalue()


def tagged(orientation, order="<", before=b"", more=3):
    """Return a JPEG with an Exif of `more` tags before the orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = [struct.pack(order + "HHII", 0x0100 + i, 4, 1, i) for i in range(more)]
    entries += [struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)]
    ifd = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    body = b"Exif\0\0" + mark + struct.pack(order + "I", 12) + bytes(4) + ifd
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body
    plain = jpeg()
    return plain[:2] + before + segment + plain[2:]


@pytest.mark.parametrize("orientation", range(10))
def test_photos_are_turned_as_pillow_turns_them(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    xmp = b"\xff\xe1" + struct.pack(">H", 2 + len(xmp)) + xmp
    files = [jpeg(exif), tagged(orientation), tagged(orientation, ">")]
    files += [tagged(orientation, before=xmp), tagged(orientation, more=60)]
    for data in files:
        image = PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data)))
        turned = decode_image(tf.constant(data))
        np.testing.assert_array_equal(turned, np.asarray(image))


def with_exif(body, before=b"", length=None):
    """Return a JPEG with a segment Exif, `before` it whatever stands there."""
    size = len(body) + 8 if length is None else length
    segment = b"\xff\xe1" + struct.pack(">H", size) + b"Exif\0\0" + body
    plain = jpeg()
    return plain[:2] + before + segment + plain[2:]


def tiff(order, kind=3, value=6):
    """Return a TIFF whose only tag is the orientation, of type `kind`."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    packed = struct.pack(order + ("HH" if kind == 3 else "I"), *[value, 0][: 5 - kind])
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + packed
    head = struct.pack(order + "IH", 8, 1)
    return mark + head + entry + bytes(4)


@pytest.mark.parametrize("order", "<>")
def test_tags_that_are_written_in_rarer_ways_are_obeyed_as_pillow_does(order):
    tables = b"\xff\xdb\x00\x43\x00" + bytes([1] * 64)
    files = [
        with_exif(tiff(order)),
        with_exif(tiff(order), b"\xff\xff"),  # fill bytes
        with_exif(tiff(order), tables),  # not the first segment
        with_exif(tiff(order, kind=4)),  # four bytes
    ]
    for data in files:
        assert PIL.Image.open(io.BytesIO(data)).getexif()[0x0112] == 6
        assert may_be_turned(data)
        assert int(stored(data, Exif.JPEG)) == 6
        assert decode_image(tf.constant(data)).shape == (48, 32, 3)


def test_what_only_looks_like_a_tag_is_none():
    whole = tiff("<")
    files = [
        with_exif(b"XX" + whole[2:]),
        with_exif(whole[:18], length=26),  # the segment ends within the tag
    ]
    for data in files:
        assert int(stored(data, Exif.JPEG)) == 1
    text = b"tEXtComment\0eXIf" + whole
    chunk = struct.pack(">I", len(text) - 4) + text
    chunk += struct.pack(">I", zlib.crc32(text))
    png = io.BytesIO()
    PHOTO.save(png, "PNG")
    data = png.getvalue()[:33] + chunk + png.getvalue()[33:]
    assert int(stored(data, Exif.PNG)) == 1
    np.testing.assert_array_equal(decode_image(tf.constant(data)), np.asarray(PHOTO))


def test_no_tag_and_damaged_tags_are_upright():
    assert not may_be_turned(jpeg())
    whole = tagged(6)
    for data in (jpeg(), jpeg(comment=b"Exif\0\0 6"), whole[:30], whole[:3]):
        assert int(stored(data, Exif.JPEG)) == 1
    rng = np.random.default_rng(1)
    for _ in range(200):
        broken = bytearray(whole)
        broken[rng.integers(2, 90)] = rng.integers(256)
        stored(bytes(broken), Exif.JPEG)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_png_and_webp_are_turned_as_pillow_turns_them(kind, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    PHOTO.save(file, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    data = file.getvalue()
    upright = PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data)))
    for decode in (decode_image, tf.function(decode_image)):
        np.testing.assert_array_equal(decode(tf.constant(data)), np.asarray(upright))
    as_stored = decode_image(tf.constant(data), Decoding(exif="ignore"))
    np.testing.assert_array_equal(as_stored, np.asarray(PHOTO))


def test_exif_behind_the_pixels_of_a_large_png():
    noise = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    data = tf.io.encode_png(noise).numpy()
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    data = data[:-12] + chunk + data[-12:]
    np.testing.assert_array_equal(decode_image(data), np.rot90(noise, -1))


def test_a_jpeg_as_it_is_stored():
    data = tagged(6)
    plain = tf.io.decode_jpeg(data, dct_method="INTEGER_ACCURATE")
    for decode in (decode_image, tf.function(decode_image)):
        np.testing.assert_array_equal(decode(data, Decoding(exif="ignore")), plain)
