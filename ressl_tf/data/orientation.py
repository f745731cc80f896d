"""Photos turned upright, as the EXIF tag of a JPEG, PNG or WebP says.

All of it is TensorFlow, on a few bytes: SavedModels and tf.data hold it.
"""

import tensorflow as tf

HEAD = 2**16 + 2**12  # bytes in which the tag is looked for: one full segment and more
# An entry of 2 to 8, in either order of bytes, somewhere behind the name; \C is a byte.
TURNED = (
    r"\C*Exif\x00\x00\C*"
    r"(\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]\x00"
    r"|\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08])\C*"
)
# A chunk of a PNG, or of a WebP with its size, and the TIFF in it; some programs put
# the six bytes before that, which it has in a JPEG.
CHUNK = r"\C*(eXIf|EXIF\C{4})(Exif\x00\x00)?(II\*\x00|MM\x00\*)"
WEBP_FLAG = 20  # place of the byte that says what chunks there are
HAS_EXIF = 0x08
SEGMENTS = 64  # that may come before it
TAG = 0x0112
ENTRY = 12  # bytes of a tag


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn and mirror [height, width, c] as `PIL.ImageOps.exif_transpose` does.

    Args:
        image: as it is stored.
        orientation: int32 [], 1 to 8; anything else is taken for 1.
    """

    def turned():
        transposed = tf.cond(
            orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image
        )
        rows = _is_one_of(orientation, (3, 4, 7, 8))
        columns = _is_one_of(orientation, (2, 3, 6, 7))
        mirrored = tf.stack([rows, columns, False])
        return tf.raw_ops.Reverse(tensor=transposed, dims=mirrored)

    needed = (orientation >= 2) & (orientation <= 8)
    return tf.cond(needed, turned, lambda: image)


def may_be_turned(encoded: tf.Tensor) -> tf.Tensor:
    """Whether a JPEG may have to be turned, bool []: a quick look, never falsely no."""
    return tf.strings.regex_full_match(tf.strings.substr(encoded, 0, HEAD), TURNED)


def chunk_orientation(
    encoded: tf.Tensor, is_png: tf.Tensor, is_webp: tf.Tensor
) -> tf.Tensor:
    """Read the orientation of a PNG or WebP, string [] -> int32 []; 1 without.

    Of a PNG both ends are searched: writers put eXIf before the pixels, or after them.
    A WebP says in its header whether it has EXIF.
    """
    start = tf.maximum(tf.strings.length(encoded) - HEAD, 0)
    end = tf.strings.substr(encoded, start, HEAD)
    ends = tf.strings.substr(encoded, 0, tf.minimum(start, HEAD)) + end
    flags = tf.io.decode_raw(tf.strings.substr(encoded, 0, WEBP_FLAG + 1), tf.uint8)
    flagged = is_webp & (tf.strings.substr(encoded, 12, 4) == b"VP8X")
    flagged &= flags[-1] // HAS_EXIF % 2 == 1
    searched = tf.where(is_webp, encoded, ends)

    def found():
        tiff = tf.strings.regex_replace(searched, CHUNK, r"\3", replace_global=False)
        head = tf.io.decode_raw(tf.strings.substr(tiff, 0, HEAD), tf.uint8)
        return _tiff_orientation(head, tf.constant(0))

    may_have = flagged | is_png
    there = may_have & tf.strings.regex_full_match(searched, CHUNK + r"\C*")
    return tf.cond(there, found, lambda: tf.constant(1))


def jpeg_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """Read the orientation of a JPEG, string [] -> int32 []; 1 where none is said."""
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, HEAD), tf.uint8)

    def is_skipped(start, marker):  # APP0 to APP15 and comments, but for Exif
        segment = (marker & 0xFFF0 == 0xFFE0) | (marker == 0xFFFE)
        exif = (marker == 0xFFE1) & _begins(head, start + 4, b"Exif\0\0")
        return segment & ~exif & (start < HEAD)

    def next_segment(start, _):
        start = start + 2 + _number(head, start + 2, 2)
        return start, _number(head, start, 2)

    first = tf.constant(2), _number(head, tf.constant(2), 2)
    start, marker = tf.while_loop(
        is_skipped, next_segment, first, maximum_iterations=SEGMENTS
    )
    return tf.cond(
        marker == 0xFFE1,
        lambda: _tiff_orientation(head, start + 10),
        lambda: tf.constant(1),
    )


def _tiff_orientation(head: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """Find the tag in the first directory of the TIFF at `start`."""
    little = _begins(head, start, b"II")
    directory = start + _number(head, start + 4, 4, little)
    count = _number(head, directory, 2, little)
    entries = directory + 2 + ENTRY * tf.range(tf.clip_by_value(count, 0, 512))
    tags = _numbers(head, entries, 2, little)
    values = _numbers(head, entries + 8, 2, little)
    found = tf.boolean_mask(values, tags == TAG)
    return tf.reduce_max(tf.concat([found[:1], [1]], 0))


def _is_one_of(orientation: tf.Tensor, some: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(orientation == tf.constant(some))


def _begins(head: tf.Tensor, start: tf.Tensor, letters: bytes) -> tf.Tensor:
    """Return whether these letters are at `start`, bool []."""
    return tf.reduce_all(_bytes(head, start + tf.range(len(letters))) == list(letters))


def _number(
    head: tf.Tensor, start: tf.Tensor, size: int, little: tf.Tensor | bool = False
) -> tf.Tensor:
    """Read `size` bytes at `start` as a whole number, int32 []."""
    return _numbers(head, start[None], size, little)[0]


def _numbers(
    head: tf.Tensor, starts: tf.Tensor, size: int, little: tf.Tensor | bool
) -> tf.Tensor:
    """Read `size` bytes at each of `starts`, int32 [n], as whole numbers, int32 [n]."""
    digits = _bytes(head, starts[:, None] + tf.range(size))
    weights = [256**place for place in range(size)]
    weights = tf.where(little, weights, weights[::-1])
    return tf.reduce_sum(digits * weights, axis=-1)


def _bytes(head: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Read bytes at places of any shape, int32; 0 beyond the ends."""
    size = tf.size(head)
    inside = (places >= 0) & (places < size)
    read = tf.gather(head, tf.clip_by_value(places, 0, tf.maximum(size - 1, 0)))
    return tf.where(inside, tf.cast(read, tf.int32), 0)
