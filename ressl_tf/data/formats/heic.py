"""HEIC and HEIF, the photos of phones, by pillow-heif."""

import importlib
import io

import numpy as np

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.formats.raw import Raw, check_pixels


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read the primary image as 8-bit RGB.

    Its container says how it is turned, and the decoder obeys; `exif` cannot change it.

    Raises:
        ValueError: damaged, or larger than `max_pixels`.
    """
    heif = importlib.import_module("pillow_heif")
    image = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    width, height = image.size
    check_pixels(height, width, decoding.max_pixels)
    values = np.asarray(image)
    return Raw(values, (0, 255))
