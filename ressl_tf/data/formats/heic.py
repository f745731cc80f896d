"""HEIC and HEIF, the photos of phones, by pillow-heif in processes of its own."""

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.formats import heic_processes
from ressl_tf.data.formats.raw import Raw


def read(data: bytes, decoding: Decoding) -> Raw:
    """Read the primary image as 8-bit RGB.

    Its container says how it is turned, and the decoder obeys; `exif` cannot change it.

    Raises:
        ValueError: damaged, or larger than `max_pixels`.
    """
    return Raw(heic_processes.decode(data, decoding.max_pixels), (0, 255))
