"""TIFF by tifffile: 8 and 16 bits, floats, bands and pages."""

import dataclasses
import importlib
import inspect
import io
from typing import Any

import numpy as np

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.config.decoding import Decoding
from ressl_tf.data.formats.raw import Raw, by_type, check_pixels
from ressl_tf.data.formats.tiff_chain import check_chain
from ressl_tf.data.formats.turned import turned

ORIENTATION = "Orientation"
WHITE_IS_ZERO, PALETTE = 0, 3  # of the tag PhotometricInterpretation
YCBCR = 6
OTHER_COLOURS = {5: "CMYK", YCBCR: "YCbCr", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
JPEGS = (6, 7)  # of the tag Compression: tifffile makes RGB of their YCbCr


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read the first series of a file, with its pages and bands as bands.

    Raises:
        ValueError: damaged, larger than `max_pixels`, or packed by a method whose codec
            is not there.
    """
    check_chain(data)
    tifffile = importlib.import_module("tifffile")
    with tifffile.TiffFile(io.BytesIO(data), **_alone(tifffile.TiffFile)) as file:
        series = file.series[0]
        page = series.keyframe
        check_pixels(page.imagelength, page.imagewidth, decoding.max_pixels)
        check_pixels(series.size // MOST_CHANNELS, 1, decoding.max_pixels)
        photometric = int(page.photometric)
        is_jpeg = photometric == YCBCR and int(page.compression) in JPEGS
        if photometric in OTHER_COLOURS and not is_jpeg:
            name = OTHER_COLOURS[photometric]
            raise ValueError(f"{name} is not read; save it as RGB")
        values = _bands_last(series.asarray(), series.axes)
        if photometric == PALETTE and page.colormap is not None:
            colours = np.moveaxis(np.asarray(page.colormap), 0, -1)
            values = (colours[values[..., 0]] // 256).astype(np.uint8)
        tag = page.tags.get(ORIENTATION)
    if tag is not None and decoding.exif == "apply":
        values = turned(values, int(tag.value))
    raw = _of_bits(values, int(page.bitspersample))
    return dataclasses.replace(raw, inverted=photometric == WHITE_IS_ZERO)


def _alone(reader: Any) -> dict[str, bool]:
    """Return the option by which no further files are read, which OME-TIFFs may name.

    It is not documented, and may go.
    """
    known = inspect.signature(reader).parameters
    return {name: False for name in ("_multifile",) if name in known}


def _bands_last(values: np.ndarray, axes: str) -> np.ndarray:
    """Put height and width first; all other axes together are bands."""
    rows, columns = axes.index("Y"), axes.index("X")
    values = np.moveaxis(values, (rows, columns), (0, 1))
    return values.reshape(*values.shape[:2], -1)


def _of_bits(values: np.ndarray, bits: int) -> Raw:
    """Return values with their range; 12 bits in 16 use the range of 12."""
    if values.dtype.kind == "u" and bits < 8 * values.dtype.itemsize:
        return Raw(values, (0.0, 2.0**bits - 1))
    return by_type(values)
