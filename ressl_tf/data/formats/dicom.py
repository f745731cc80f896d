"""DICOM by pydicom: one grey or RGB image, in the units that the file says."""

import importlib
import io
from typing import Any

import numpy as np

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.formats.raw import Raw, check_pixels

DEFLATED = b"1.2.840.10008.1.2.1.99"  # the transfer syntax


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read the first frame.

    Grey values are rescaled to the file's units, such as Hounsfield's. Its own range is
    its first window, as viewers show it; without one, that of the bits stored.

    Raises:
        ValueError: damaged, without pixels, or larger than `max_pixels`.
    """
    if DEFLATED in data:  # the library would unpack all of it at once
        raise ValueError("a deflated file; save it in another transfer syntax")
    pydicom = importlib.import_module("pydicom")
    file = pydicom.dcmread(io.BytesIO(data))
    if "PixelData" not in file and "FloatPixelData" not in file:
        raise ValueError("it holds no image")
    check_pixels(int(file.Rows), int(file.Columns), decoding.max_pixels)
    pixels = importlib.import_module("pydicom.pixels")
    values = pixels.pixel_array(file, index=0)
    if str(file.PhotometricInterpretation).startswith("PALETTE"):
        values = pixels.apply_color_lut(values, file)
        return Raw((values // 257).astype(np.uint8), (0, 255))
    if values.ndim == 3:
        return Raw(values, _stored(file))
    own = _window(file) or _rescaled(file, _stored(file))
    values = pixels.apply_modality_lut(values, file)
    inverted = file.PhotometricInterpretation == "MONOCHROME1"
    return Raw(values, own, inverted=inverted)


def _stored(file: Any) -> tuple[float, float]:
    bits = int(file.BitsStored)
    if int(file.get("PixelRepresentation", 0)):
        return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1


def _rescaled(file: Any, stored: tuple[float, float]) -> tuple[float, float]:
    slope = float(file.get("RescaleSlope", 1))
    intercept = float(file.get("RescaleIntercept", 0))
    low, high = sorted(slope * value + intercept for value in stored)
    return low, high


def _window(file: Any) -> tuple[float, float] | None:
    """Return the first window's ends (DICOM PS3.3 C.11.2.1.2.1); None without one."""
    if "WindowCenter" not in file or "WindowWidth" not in file:
        return None
    centre, width = (
        float(np.atleast_1d(file[tag].value)[0])
        for tag in ("WindowCenter", "WindowWidth")
    )
    if width <= 1:
        return None
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
