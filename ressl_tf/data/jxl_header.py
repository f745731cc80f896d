"""The sides of a JPEG XL, by its first bits (ISO/IEC 18181-1, SizeHeader)."""

import numpy as np
import tensorflow as tf

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL "
SEARCHED = 2**16  # bytes in which a container's codestream begins
BOX = r"\C*?(?:jxlc|jxlp\C{4})\C\n(\C{10})\C*"  # and what follows its signature
POWERS = 2 ** np.arange(8)  # of the bits of a byte
SIDE_BITS = np.array([9, 13, 18, 30])
LONGEST = 30
PLACES = np.tri(LONGEST + 1, LONGEST, -1, np.int64) * 2 ** np.arange(LONGEST)
IN_EIGHTS = np.array([5, 1, 8])  # bits of a side, bits before it, its unit
RATIOS = np.array(  # width to height; the first stands for none
    [(1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]
)


def jxl_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width, string [] -> int64 []; 0 where they are not found."""
    sizes = _after_signature(tf.strings.substr(encoded, 0, SEARCHED))
    data = tf.cast(tf.io.decode_raw(sizes, tf.uint8, fixed_length=10), tf.int64)
    bits = tf.reshape(data[:, None] // POWERS % 2, [-1])
    bits = tf.concat([bits, tf.zeros([32], tf.int64)], 0)
    height, after = _side(bits, tf.constant(0, tf.int64), bits[0] == 1)
    ratio = _number(bits, after, 3)
    width, _ = _side(bits, after + 2, bits[0] == 1)
    part = tf.gather(RATIOS, ratio)
    width = tf.where(ratio > 0, height * part[0] // part[1], width)
    return tf.where(sizes == b"", tf.zeros([], tf.int64), height * width)


def _after_signature(first: tf.Tensor) -> tf.Tensor:
    """Return what follows a codestream's signature, in its box or bare; or nothing."""
    is_bare = tf.strings.substr(first, 0, 2) == CODESTREAM
    is_boxed = tf.strings.regex_full_match(first, BOX)
    bare = tf.strings.regex_replace(first, r"\A\C\n(\C*)\z", r"\1")
    boxed = tf.strings.regex_replace(first, BOX, r"\1", replace_global=False)
    return tf.where(is_bare, bare, tf.where(is_boxed, boxed, b""))


def _side(
    bits: tf.Tensor, before: tf.Tensor, eights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Read a side behind a bit; return it and the bit after it.

    Args:
        bits: int64 [112].
        before: the bit before.
        eights: whether it is five bits of eighths, or one of four sizes.
    """
    size = tf.gather(SIDE_BITS, _number(bits, before + 1, 2))
    kinds = tf.where(eights, IN_EIGHTS, tf.stack([size, 3, 1]))
    size, skipped, scale = tf.unstack(kinds)
    start = before + skipped
    return scale * (1 + _number(bits, start, size)), start + size


def _number(bits: tf.Tensor, start: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Read a number of `size` bits, the least first."""
    read = tf.slice(bits, start[None], [LONGEST])
    return tf.reduce_sum(read * tf.gather(PLACES, size))
