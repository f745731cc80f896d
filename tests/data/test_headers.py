"""First bytes of images."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.header_table import Reader
from ressl_tf.data.headers import header_pixels, read_header


def test_short_files():
    assert read_header(b"ab").head.numpy().tolist() == [97, 98, *[0] * 130]
    for data in (b"", b"RIFF", b"BM", b"GIF8"):
        assert int(header_pixels(data)) == 0


def test_deep_pngs_are_seen():
    for kind, reader in ((np.uint8, Reader.PNG), (np.uint16, Reader.DEEP_PNG)):
        header = read_header(tf.io.encode_png(np.zeros((2, 3, 3), kind)))
        assert int(header.each(lambda row: row.reader)) == reader


def test_sides_are_read_as_each_format_writes_them():
    """Sides of more than one byte, in the order of bytes of each format."""
    low = bytes.fromhex
    files = {
        300 * 70000: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + low("00011170 0000012c 08"),
        515 * 1029: b"GIF89a" + low("0302 0504"),
        257 * 3: b"BM" + bytes(12) + low("28000000 01010000 fdffffff 0100 1800"),
        1 * 66051: b"RIFF....WEBPVP8X" + low("0a000000 00000000 020201 000000"),
        1000 * 17: b"RIFF....WEBPVP8L" + bytes(4) + b"\x2f" + low("e7030400"),
        20 * 16383: b"RIFF....WEBPVP8 " + bytes(10) + low("ffff 1440"),
    }
    for pixels, data in files.items():
        assert int(header_pixels(data)) == pixels
