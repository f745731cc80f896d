"""What a small file may hide behind honest sides: scans, frames, packed texts.

Each of these makes a decoder work for minutes, or fill the memory, with few bytes. All
of it is TensorFlow, so that a SavedModel refuses them, too.
"""

import tensorflow as tf

SCANS = 100  # of a JPEG; programs write 1 to 20, and each is a pass over all pixels
SCAN_MARKER = b"\xff\xda"  # stands nowhere within the pixels
FREE_WORK = 10**11  # pixels x bytes; below, no number of scans takes over 5 s
TEXTS = 32  # packed texts of a PNG, each of up to 8 MB
TEXT_KIND = "TXt"  # the end of zTXt and iTXt
FREE_BYTES = 1_000_000  # of a PNG; below, its texts take no more than 6 s
BLOCKS = 20_000  # runs of blocks of one GIF that are followed
FULL = 256  # bytes of a GIF's block of 255 and its length
RUN = 4096  # full blocks that one step passes
BLOCK, EXTENSION, FRAME, END = range(4)  # what a GIF has at a place


def scans_matter(encoded: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Whether a JPEG could hold so many scans that they take long, bool [].

    Args:
        encoded: string [].
        pixels: int64 [], height x width.
    """
    return pixels * tf.cast(tf.strings.length(encoded), tf.int64) > FREE_WORK


def scans(encoded: tf.Tensor) -> tf.Tensor:
    """Count the scans of a JPEG, string [] -> int32 []."""
    return tf.size(tf.strings.split(encoded, SCAN_MARKER)) - 1


def texts_matter(encoded: tf.Tensor) -> tf.Tensor:
    """Whether a PNG could hold so many packed texts that they take long, bool []."""
    return tf.strings.length(encoded) > FREE_BYTES


def packed_texts(encoded: tf.Tensor) -> tf.Tensor:
    """Count the packed texts of a PNG, string [] -> int32 []."""
    return tf.size(tf.strings.split(encoded, TEXT_KIND)) - 1


@tf.function(  # its steps are many, and slow one by one
    autograph=False, input_signature=[tf.TensorSpec([], tf.string)]
)
def first_frame(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cut a GIF behind its first frame, as the decoder unpacks all that it finds.

    Args:
        encoded: string [].

    Returns:
        (a GIF of one frame, string []; the frame's height x width, int64 []). One that
        is cut off before its end stays as it is.
    """
    data = tf.io.decode_raw(encoded, tf.uint8)
    size = tf.size(data)

    def byte(place):
        inside = tf.minimum(place, size - 1)
        return tf.where(place < size, tf.cast(data[inside], tf.int32), 0)

    def table(flags):  # bytes of a table of colours
        return tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)

    def step(place, at, pixels):
        blocks = at > BLOCK
        moved, ended = _after_blocks(data, size, place)
        kind = byte(place)
        sides = [byte(place + i) + 256 * byte(place + i + 1) for i in (5, 7)]
        is_frame = ~blocks & (kind == ord(","))
        found = tf.cast(sides[0], tf.int64) * tf.cast(sides[1], tf.int64)
        opened = tf.where(is_frame, 11 + table(byte(place + 9)), 2)
        known = is_frame | (kind == ord("!"))
        opened_at = tf.where(is_frame, FRAME, tf.where(known, EXTENSION, END))
        closed_at = tf.where(at == FRAME, END, BLOCK)
        return (
            tf.where(blocks, moved, place + tf.where(known, opened, 0)),
            tf.where(blocks, tf.where(ended, closed_at, at), opened_at),
            tf.where(is_frame, found, pixels),
        )

    start = 13 + table(byte(10))
    place, at, pixels = tf.while_loop(
        lambda place, at, _: (at != END) & (place < size),
        step,
        (start, tf.constant(BLOCK), tf.constant(0, tf.int64)),
        maximum_iterations=BLOCKS,
    )
    whole = (at == END) & (pixels > 0)
    cut = tf.strings.substr(encoded, 0, tf.minimum(place, size)) + b";"
    many = (at != END) & (place < size)
    return tf.where(whole, cut, encoded), tf.where(many, tf.int64.max, pixels)


def _after_blocks(
    data: tf.Tensor, size: tf.Tensor, place: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pass full blocks and the one after them; say whether that is the empty last."""
    lengths = data[place : place + RUN * FULL : FULL]
    is_full = lengths == FULL - 1
    full = tf.where(
        tf.reduce_all(is_full), tf.size(is_full), tf.cast(tf.argmin(is_full), tf.int32)
    )
    last = place + full * FULL
    length = tf.cast(data[tf.minimum(last, size - 1)], tf.int32)
    inside = full < tf.size(is_full)
    moved = tf.where(inside, last + 1 + length, last)
    return moved, inside & (length == 0)
