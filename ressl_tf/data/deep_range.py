"""The range of 16-bit images: cameras and X-rays use 10, 12 or 14 bits of it."""

import contextlib
import logging

import numpy as np
import tensorflow as tf

from ressl_tf.config.decoding import RGB
from ressl_tf.data.decode import decode_deep
from ressl_tf.data.header_table import DEEP_PNG
from ressl_tf.data.image_files import ImageFiles
from ressl_tf.data.library_formats import FORMATS, HEAD
from ressl_tf.data.library_image import read
from ressl_tf.data.sources import EncodedImages
from ressl_tf.runtime import storage
from ressl_tf.runtime.errors import UsageError

BITS = 16
HEADERS, PROBES = 1000, 32  # PNGs whose header is read; deep ones that are decoded
NAMES = 20_000  # that are looked at
OF_ANY_NAME = 32  # images of other names that are read
BY_LIBRARIES = 8  # images that libraries decode
LIBRARY_ENDS = tuple(end for each in FORMATS for end in each.extensions)

log = logging.getLogger("ressl_tf")


def check_deep_range(encoded: EncodedImages) -> bool:
    """Refuse 16-bit images that use a part of their range: they would be nearly black.

    Of images of many bands it is said which are read.

    Returns:
        Whether any image that was looked at has more than 8 bits, or floats.

    Raises:
        UsageError: no value of the images probed, from all over the set, is in the
            upper half of the range.
    """
    decoding = encoded.decoding
    tops, deep = _by_libraries(encoded)
    rows = _deep_rows(encoded)
    if decoding.value_range != "auto":
        return deep or bool(rows)
    tops += [_largest(encoded, row) for row in rows]
    top = max(tops, default=0)
    if 0 < top < 2 ** (BITS - 1):
        used = int(top).bit_length()
        raise UsageError(
            f"{encoded.name} has 16-bit images with values up to {top} of 65535, so "
            f"that they would be nearly black: {used} bits in 16? Give "
            f"--value_range=0,{2**used - 1} or percentiles, or dtype where they are "
            "dark in truth"
        )
    return deep or bool(rows)


def _by_libraries(encoded: EncodedImages) -> tuple[list[int], bool]:
    """Return the largest values of some images of full 16 bits; log their bands.

    And whether any image is deeper than 8 bits.
    """
    if not isinstance(encoded, ImageFiles):
        return [], False
    rows = _rows_named(encoded, LIBRARY_ENDS)
    some = rows[:: max(1, len(rows) // BY_LIBRARIES)][:BY_LIBRARIES]
    tops, bands, deep = [], set(), False
    for row in some.tolist():
        with contextlib.suppress(OSError, ValueError):
            raw = read(storage.read_bytes(encoded.paths[row]), encoded.decoding)
            bands.add(raw.values.shape[-1])
            deep |= raw.values.dtype.itemsize > 1
            if raw.full_type and raw.values.dtype == np.uint16:
                tops.append(int(raw.values.max()))
    in_colours = encoded.decoding.channels in (1, RGB)
    if many := in_colours and sorted(bands - {1, RGB}):
        counts = " and ".join(map(str, many))
        log.warning(
            "%s: images of %s bands: of two the first is grey, of more the first "
            "three are red, green and blue; the others are not read, unless --channels "
            "says how many there are",
            *(encoded.name, counts),
        )
    return tops, deep


def _rows_named(files: ImageFiles, ends: tuple[str, ...]) -> np.ndarray:
    """Return the rows of files whose names end so, among 20,000 to 40,000 of them."""
    step = max(1, files.size // NAMES)
    named = [path.lower().endswith(ends) for path in files.paths[::step]]
    return step * np.flatnonzero(named)


def _deep_rows(encoded: EncodedImages) -> list[int]:
    """Find 16-bit PNGs by the headers of images from all over the set."""
    rows, most = np.arange(encoded.size), OF_ANY_NAME
    if isinstance(encoded, ImageFiles):
        png = _rows_named(encoded, (".png",))
        if len(png):
            rows, most = png, HEADERS
    some = np.unique(rows[np.linspace(0, len(rows) - 1, most, dtype=int)])
    deep = [row for row in some.tolist() if _is_deep(encoded, row)]
    return deep[:: max(1, len(deep) // PROBES)]


def _is_deep(encoded: EncodedImages, row: int) -> bool:
    with contextlib.suppress(OSError, tf.errors.OpError):
        if isinstance(encoded, ImageFiles):
            head = storage.read_bytes(encoded.paths[row], HEAD)
        else:
            head = encoded.read(tf.constant(row, tf.int64))[0].numpy()[:HEAD]
        return all(head[place:].startswith(start) for place, start in DEEP_PNG)
    return False


def _largest(encoded: EncodedImages, row: int) -> int:
    """Return the largest value of an image; 0 for one that cannot be read."""
    with contextlib.suppress(tf.errors.OpError):
        image, _ = encoded.read(tf.constant(row, tf.int64))
        return int(tf.reduce_max(tf.cast(decode_deep(image), tf.int32)))
    return 0
