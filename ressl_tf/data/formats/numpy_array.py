"""NumPy's `.npy`: an array [height, width] or [height, width, bands]."""

import io
import math

import numpy as np

from ressl_tf.config.data_flags import MOST_CHANNELS
from ressl_tf.config.decoding import Decoding
from ressl_tf.data.formats.raw import Raw, by_type, check_pixels


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read an array; one of Python objects is refused.

    Raises:
        ValueError: it is no image, cut, or larger than `max_pixels`.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the format is not read")
    shape, fortran, dtype = readers[version](file)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] > MOST_CHANNELS):
        raise ValueError(
            f"an image is [height, width] or [height, width, bands], at most "
            f"{MOST_CHANNELS} bands; this is {list(shape)}"
        )
    check_pixels(shape[0], shape[1], decoding.max_pixels)
    if dtype.hasobject:
        raise ValueError("an array of Python objects is no image")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return by_type(values.reshape(shape, order="F" if fortran else "C"))
