"""TIFF: bits, floats, bands, pages, orientation, against what was written."""

import io

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.decode import decode_any
from ressl_tf.data.formats import tiff_chain
from ressl_tf.data.library_image import read

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 7, 3), np.uint8)
DEEP = RNG.integers(0, 2**16, (5, 7, 3), np.uint16)


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def by_pillow(data):
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def decoded(data, **options):
    return decode_any(data, Decoding(**options)).numpy()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_8_bits_equal_pillow(compression):
    palette = PIL.Image.fromarray(RGB).convert("P")
    packed = io.BytesIO()
    palette.save(packed, "TIFF")
    files = [
        tiff(RGB, photometric="rgb", compression=compression),
        tiff(RGB[..., 0], compression=compression),
        tiff(RGB[..., 0], photometric="miniswhite"),
        tiff(RGB[..., 0] > 99, photometric="minisblack"),
        packed.getvalue(),
    ]
    for data in files:
        np.testing.assert_array_equal(decoded(data), by_pillow(data))


def test_16_bits_and_floats_by_their_range():
    data = tiff(DEEP, photometric="rgb")
    np.testing.assert_array_equal(decoded(data), np.rint(DEEP / 257))
    wanted = np.rint(np.clip((DEEP - 1000.0) / 29000, 0, 1) * 255)
    np.testing.assert_array_equal(decoded(data, value_range="1000,30000"), wanted)
    part = (DEEP[..., 0] / 65535).astype(np.float32)
    grey = np.repeat(np.rint(255 * part)[..., None], 3, -1)
    np.testing.assert_array_equal(decoded(tiff(part)), grey)
    far = tiff((part * 3000).astype(np.float32))
    with pytest.raises(Exception, match=r"floats from .* to .*: give --value_range"):
        decoded(far)
    np.testing.assert_array_equal(decoded(far, value_range="0,3000"), grey)
    holed = part.copy()
    holed[0, 0] = np.nan
    assert decoded(tiff(holed), value_range="percentiles")[0, 0].tolist() == [0] * 3


def test_bands_and_pages_are_bands():
    bands = RNG.integers(0, 256, (5, 7, 4), np.uint8)
    pages = np.moveaxis(bands, -1, 0)
    options = {"photometric": "minisblack"}
    files = [
        tiff(bands, photometric="rgb", extrasamples=["unspecified"]),
        tiff(pages, planarconfig="separate", **options),
        tiff(pages, **options),
        tiff(bands, planarconfig="contig", **options),
    ]
    for data in files:
        raw = read(data, Decoding())
        np.testing.assert_array_equal(raw.values, bands)
        np.testing.assert_array_equal(decoded(data), bands[..., :3])
    two = tiff(bands[..., :2], planarconfig="contig", **options)
    np.testing.assert_array_equal(decoded(two), np.repeat(bands[..., :1], 3, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_pillow_turns_them(orientation):
    data = tiff(RGB, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    image = PIL.Image.open(io.BytesIO(data))
    upright = np.asarray(PIL.ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(decoded(data), upright)
    np.testing.assert_array_equal(decoded(data, exif="ignore"), RGB)


def test_what_is_refused():
    data = tiff(RGB, photometric="rgb")
    for damaged in (data[:20], data[:-30]):
        with pytest.raises(Exception, match="TIFF: "):
            decoded(damaged)
    with pytest.raises(Exception, match="35 pixels, more than max_pixels=34"):
        decoded(data, max_pixels=34)
    with pytest.raises(Exception, match="complex64 are no image"):
        decoded(tiff(RGB[..., 0].astype(np.complex64)))


@pytest.mark.parametrize(("mode", "name"), [("YCbCr", "YCbCr"), ("LAB", "CIELab")])
def test_other_colours_than_rgb_are_refused(mode, name):
    image = PIL.Image.new("RGB", (8, 6), (200, 100, 50))
    if mode == "LAB":
        profiles = [PIL.ImageCms.createProfile(p) for p in ("sRGB", "LAB")]
        image = PIL.ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF")
    with pytest.raises(ValueError, match=f"{name} is not read; save it as RGB"):
        read(file.getvalue(), Decoding())


def test_pages_in_a_circle_are_refused():
    """A library follows them without end."""
    data = bytearray(tiff(RGB, byteorder="<"))
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    after = first + 2 + 12 * entries
    data[after : after + 4] = data[4:8]
    with pytest.raises(ValueError, match="pages go in a circle"):
        read(bytes(data), Decoding())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_pages_of_every_kind_are_followed(monkeypatch, order, big):
    pages = np.stack([RGB[..., 0]] * 4)
    data = tiff(pages, bigtiff=big, byteorder=order, photometric="minisblack")
    assert read(data, Decoding()).values.shape == (5, 7, 4)
    monkeypatch.setattr(tiff_chain, "MOST_PAGES", 3)
    with pytest.raises(ValueError, match="or are over 3"):
        tiff_chain.check_chain(data)


def test_pages_of_more_pixels_than_bands_may_have_are_refused():
    data = tiff(np.zeros([300, 5, 7], np.uint8), photometric="minisblack")
    assert read(data, Decoding(max_pixels=164)).values.shape == (5, 7, 300)
    with pytest.raises(ValueError, match="more than max_pixels=163"):
        read(data, Decoding(max_pixels=163))
