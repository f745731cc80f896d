"""How a photo is turned, as the EXIF tag of a JPEG, PNG or WebP says.

All of it is TensorFlow, on a few bytes: SavedModels and tf.data hold it.
"""

import tensorflow as tf

from ressl_tf.data.header_table import Exif

HEAD = 2**16 + 2**12  # bytes in which the tag is looked for: one full segment and more
# An entry of 2 to 8, in either order of bytes, somewhere behind the name; \C is a byte.
TURNED = (
    r"\C*Exif\x00\x00\C*"
    r"(\x12\x01[\x03\x04]\x00\x01\x00\x00\x00[\x02-\x08]\x00"
    r"|\x01\x12\x00[\x03\x04]\x00\x00\x00\x01\x00(\x00\x00)?[\x02-\x08])\C*"
)
# A chunk of a PNG, or of a WebP with its size, and the TIFF in it; some programs put
# the six bytes before that, which it has in a JPEG.
TIFF = r"(II\*\x00|MM\x00\*)"
CHUNK = r"\C*(\x00\C{3}eXIf|EXIF\C{4})(Exif\x00\x00)?" + TIFF
WEBP_FLAG = 20  # place of the byte that says what chunks there are
HAS_EXIF = 0x08
EXIF = b"Exif\0\0"
SEGMENTS = 64  # that may come before it
TAG = 0x0112
LONG = 4  # the type of a value of four bytes; the usual one has two
ENTRY = 12  # bytes of a tag


def may_be_turned(encoded: tf.Tensor) -> tf.Tensor:
    """Whether a JPEG may have to be turned, bool []: a quick look, never falsely no."""
    return tf.strings.regex_full_match(tf.strings.substr(encoded, 0, HEAD), TURNED)


def stored(encoded: tf.Tensor, kind: tf.Tensor | int) -> tf.Tensor:
    """Read the orientation that a file says, int32 []; 1 where it says none.

    Args:
        encoded: string [].
        kind: of `header_table.Exif`, int32 [].
    """
    places = {
        Exif.NONE: _nothing,
        Exif.JPEG: lambda: _of_segment(tf.strings.substr(encoded, 0, HEAD)),
        Exif.PNG: lambda: _of_chunk(_ends(encoded)),
        Exif.WEBP: lambda: _of_flagged(encoded),
    }
    tiff = tf.switch_case(tf.convert_to_tensor(kind, tf.int32), places)
    is_tiff = tf.strings.regex_full_match(tiff, TIFF + r"\C*")
    return tf.cond(is_tiff, lambda: _tagged(tiff), lambda: tf.constant(1))


def _nothing() -> tf.Tensor:
    return tf.constant(b"")


def _ends(encoded: tf.Tensor) -> tf.Tensor:
    """Join both ends of a PNG: writers put eXIf before the pixels, or after them."""
    start = tf.maximum(tf.strings.length(encoded) - HEAD, 0)
    end = tf.strings.substr(encoded, start, HEAD)
    return tf.strings.substr(encoded, 0, tf.minimum(start, HEAD)) + end


def _of_flagged(encoded: tf.Tensor) -> tf.Tensor:
    """Return the TIFF of a WebP's EXIF, whose header says whether there is one."""
    flags = _bytes(encoded, WEBP_FLAG + 1)[WEBP_FLAG]
    extended = tf.strings.substr(encoded, 12, 4) == b"VP8X"
    flagged = extended & (flags // HAS_EXIF % 2 == 1)
    return tf.cond(flagged, lambda: _of_chunk(encoded), _nothing)


def _of_chunk(searched: tf.Tensor) -> tf.Tensor:
    """Return the TIFF in the first chunk of EXIF, string []; empty without."""

    def found():
        return tf.strings.regex_replace(searched, CHUNK, r"\3", replace_global=False)

    there = tf.strings.regex_full_match(searched, CHUNK + r"\C*")
    return tf.cond(there, found, _nothing)


def _of_segment(first: tf.Tensor) -> tf.Tensor:
    """Return the TIFF in the segment Exif of a JPEG's first bytes; empty without."""
    head = _bytes(first, 2 * HEAD)  # a segment may end beyond them

    def number(place):
        return 256 * head[place] + head[place + 1]

    def is_exif(start, marker):
        letters = head[start + 4 : start + 4 + len(EXIF)]
        return (marker == 0xFFE1) & tf.reduce_all(letters == list(EXIF))

    def is_skipped(start, marker):  # all before the pixels, but for Exif
        is_marker = (marker >= 0xFFC0) & (marker != 0xFFDA) & (start < HEAD)
        return is_marker & ~is_exif(start, marker)

    def next_segment(start, marker):
        is_fill = marker == 0xFFFF  # bytes that may stand before a marker
        start = start + tf.where(is_fill, 1, 2 + number(start + 2))
        return start, number(start)

    start, marker = tf.while_loop(
        is_skipped, next_segment, (2, number(2)), maximum_iterations=SEGMENTS
    )

    def tiff():
        length = tf.maximum(number(start + 2) - 2 - len(EXIF), 0)
        return tf.strings.substr(first, start + 4 + len(EXIF), length)

    return tf.cond(is_exif(start, marker), tiff, _nothing)


def _tagged(tiff: tf.Tensor) -> tf.Tensor:
    """Find the tag in the first directory of a TIFF, string [] -> int32 []."""
    head = _bytes(tiff, HEAD)
    powers = 256 ** tf.range(4)
    is_little = head[0] == ord("I")
    four = tf.where(is_little, powers, powers[::-1])
    two = tf.where(is_little, powers[:2], powers[1::-1])
    start = tf.reduce_sum(head[4:8] * four)
    is_inside = (start >= 0) & (start <= HEAD - ENTRY)
    start = tf.where(is_inside, start, 0)
    count = tf.where(is_inside, tf.reduce_sum(head[start : start + 2] * two), 0)
    count = tf.minimum(count, (HEAD - 2 - start) // ENTRY)
    entries = head[start + 2 : start + 2 + ENTRY * count]
    entries = tf.reshape(entries, [-1, ENTRY])
    is_tag = tf.reduce_sum(entries[:, :2] * two, axis=1) == TAG
    is_long = tf.reduce_sum(entries[:, 2:4] * two, axis=1) == LONG
    short = tf.reduce_sum(entries[:, 8:10] * two, axis=1)
    values = tf.where(is_long, tf.reduce_sum(entries[:, 8:12] * four, axis=1), short)
    return tf.reduce_max(tf.concat([tf.boolean_mask(values, is_tag)[:1], [1]], 0))


def _bytes(data: tf.Tensor, count: int) -> tf.Tensor:
    """Return the first bytes, string [] -> int32 [count], with zeros at the end."""
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=count)
    return tf.cast(tf.ensure_shape(head, [count]), tf.int32)
