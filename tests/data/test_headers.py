"""First bytes of images."""

import numpy as np
import tensorflow as tf

from ressl_tf.data.headers import header_pixels, is_deep_png, number, read_header


def test_numbers_and_short_files():
    digits = tf.constant([1, 2], tf.int64)
    assert (int(number(digits)), int(number(digits, "big"))) == (513, 258)
    assert read_header(b"ab").numpy().tolist() == [97, 98, *[0] * 62]
    for data in (b"", b"RIFF", b"BM", b"GIF8"):
        assert int(header_pixels(data)) == 0


def test_deep_pngs_are_seen():
    for kind, deep in ((np.uint8, False), (np.uint16, True)):
        data = tf.io.encode_png(np.zeros((2, 3, 3), kind))
        assert bool(is_deep_png(read_header(data))) == deep
