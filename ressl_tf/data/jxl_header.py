"""The sides of a JPEG XL, by its first bits (ISO/IEC 18181-1, SizeHeader)."""

import numpy as np
import tensorflow as tf

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL "
SEARCHED = 2**16  # bytes in which a container's codestream begins
POWERS = 2 ** np.arange(8)  # of the bits of a byte
SIDE_BITS = np.array([9, 13, 18, 30])
LONGEST = 30
IN_EIGHTS = np.array([5, 1, 8])  # bits of a side, bits before it, its unit
RATIOS = np.array(  # width to height; the first stands for none
    [(1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]
)


def jxl_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width, string [] -> int64 []; 0 where they are not found."""
    data = tf.io.decode_raw(tf.strings.substr(encoded, 0, SEARCHED), tf.uint8)
    data = tf.cast(tf.pad(data, [[0, 16]]), tf.int64)
    start = tf.cond(
        tf.reduce_all(data[:2] == list(CODESTREAM)),
        lambda: tf.constant(0, tf.int64),
        lambda: _codestream(data),
    )
    bits = tf.reshape(data[start + 2 : start + 12, None] // POWERS % 2, [-1])
    height, after = _side(bits, 0, bits[0] == 1)
    ratio = _number(bits, after, 3)
    width, _ = _side(bits, after + 2, bits[0] == 1)
    part = tf.gather(RATIOS, ratio)
    width = tf.where(ratio > 0, height * part[0] // part[1], width)
    return tf.where(start < 0, tf.zeros([], tf.int64), height * width)


def _codestream(data: tf.Tensor) -> tf.Tensor:
    """Find the codestream in its box, `jxlc` or the first `jxlp`; -1 for nowhere."""
    found = []
    for name, skipped in ((b"jxlc", 4), (b"jxlp", 8)):
        count = tf.size(data) - 12
        is_here = [data[i : i + count] == byte for i, byte in enumerate(name)]
        is_here += [data[skipped : skipped + count] == CODESTREAM[0]]
        places = tf.where(tf.reduce_all(is_here, axis=0))[:1, 0]
        found.append(places + skipped)
    return tf.concat([*found, tf.constant([-1], tf.int64)], 0)[0]


def _side(
    bits: tf.Tensor, before: tf.Tensor | int, eights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Read a side behind a bit; return it and the bit after it.

    Args:
        bits: int64 [80].
        before: the bit before.
        eights: whether it is five bits of eighths, or one of four sizes.
    """
    size = tf.gather(SIDE_BITS, _number(bits, before + 1, 2))
    kinds = tf.where(eights, IN_EIGHTS, tf.stack([size, 3, 1]))
    size, skipped, scale = tf.unstack(kinds)
    start = before + skipped
    return scale * (1 + _number(bits, start, size)), start + size


def _number(
    bits: tf.Tensor, start: tf.Tensor | int, size: tf.Tensor | int
) -> tf.Tensor:
    """Read a number of `size` bits, the least first; 0 beyond the end."""
    read = tf.pad(bits, [[0, 32]])[start:][:LONGEST]
    places = tf.range(LONGEST, dtype=tf.int64)
    return tf.reduce_sum(tf.where(places < size, read * 2**places, 0))
