"""JPEG, PNG, WebP, BMP and GIF bytes to RGB, and errors for bytes that are none."""

import re

import tensorflow as tf

from ressl_tf.config.data_flags import MAX_PIXELS
from ressl_tf.data import headers
from ressl_tf.data.headers import header_pixels, number
from ressl_tf.data.orientation import jpeg_orientation, may_be_turned, upright

__all__ = ["complaint", "decode_image", "header_pixels"]


def decode_image(encoded: tf.Tensor, max_pixels: int = MAX_PIXELS) -> tf.Tensor:
    """Decode JPEG, PNG, WebP, BMP or the first frame of a GIF.

    The bytes say which, not the file's name. Grey, palettes and CMYK become RGB; alpha
    is dropped (the colours beneath it stay), as `PIL.Image.convert("RGB")` does. The 16
    bits of a PNG become 8 by 255 / 65535; Pillow clips them. A JPEG is turned upright,
    as its EXIF orientation says (`PIL.ImageOps.exif_transpose`).

    Args:
        encoded: string [].
        max_pixels: most pixels of an image, by its header, which is read first.

    Returns:
        uint8 [height, width, 3].

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no image, a damaged one, or one of
            more than `max_pixels`.
    """
    # All that is rare is behind one branch and one call, which is not inlined: of what
    # is not taken, each operation costs. Eagerly, errors are shorter without the call.
    rare = _rare if tf.executing_eagerly() else _rare_call
    is_jpeg = tf.strings.substr(encoded, 0, 3) == headers.JPEG
    image = tf.cond(
        is_jpeg & ~may_be_turned(encoded),
        lambda: _jpeg(encoded, max_pixels),
        lambda: rare(encoded, tf.constant(max_pixels, tf.int64)),
    )
    image.set_shape([None, None, 3])
    return image


def _rare(encoded: tf.Tensor, max_pixels: int | tf.Tensor) -> tf.Tensor:
    """Decode what is not an upright JPEG."""
    return tf.cond(
        tf.strings.substr(encoded, 0, 3) == headers.JPEG,
        lambda: upright(_jpeg(encoded, max_pixels), jpeg_orientation(encoded)),
        lambda: _other(encoded, max_pixels),
    )


_rare_call = tf.function(
    _rare, autograph=False, experimental_attributes={"_noinline": True}
)


def _allowed(
    encoded: tf.Tensor, pixels: tf.Tensor, most: int | tf.Tensor, *rules
) -> tf.Tensor:
    """Return the bytes, after the checks of their header."""
    reason = tf.strings.format("{} pixels, more than max_pixels={}", (pixels, most))
    rules = *rules, (pixels <= most, reason)
    checks = [tf.raw_ops.Assert(condition=rule, data=[why]) for rule, why in rules]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(encoded)


def _jpeg(encoded: tf.Tensor, max_pixels: int | tf.Tensor) -> tf.Tensor:
    encoded = _allowed(encoded, headers.jpeg_pixels(encoded), max_pixels)
    # The default DCT is off by 1.2 levels; this one equals Pillow at the same speed.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _other(encoded: tf.Tensor, max_pixels: tf.Tensor | int) -> tf.Tensor:
    head = headers.read_header(encoded)
    rules = headers.refusals(head)
    encoded = _allowed(encoded, header_pixels(encoded), max_pixels, *rules)

    def plain():
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        return tf.ensure_shape(image, [None, None, 3])

    def webp():  # three channels or four
        image = tf.io.decode_image(encoded, expand_animations=False)
        return tf.ensure_shape(image, [None, None, None])[..., :3]

    kinds = [
        (headers.starts_with(head, headers.RIFF), webp),
        (headers.is_deep_png(head), lambda: to_bytes(decode_deep(encoded))),
        (headers.is_palette_bmp(head), lambda: _palette_bmp(encoded, head)),
        (headers.is_alpha_bmp(head), lambda: tf.io.decode_bmp(encoded)[..., :3]),
    ]
    return tf.case(kinds, default=plain)


def decode_deep(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a PNG with all bits, string [] -> uint16 [height, width, 3]."""
    return tf.io.decode_png(encoded, channels=3, dtype=tf.uint16)


def to_bytes(deep: tf.Tensor) -> tf.Tensor:
    """Round the full range of 16 bits to 8, uint16 -> uint8."""
    return tf.cast((tf.cast(deep, tf.int32) + 128) // 257, tf.uint8)


def _palette_bmp(encoded: tf.Tensor, head: tf.Tensor) -> tf.Tensor:
    """Look up a BMP's colours, which TensorFlow leaves as numbers in its palette."""
    numbers = tf.cast(tf.io.decode_bmp(encoded)[..., 0], tf.int32)
    start, end = 14 + number(head[14:18]), number(head[10:14])
    entries = tf.io.decode_raw(tf.strings.substr(encoded, start, end - start), tf.uint8)
    palette = tf.reshape(entries[: tf.size(entries) // 4 * 4], [-1, 4])
    return tf.gather(palette[:, 2::-1], numbers)


def complaint(error: tf.errors.OpError) -> str:
    """Shorten an operation's error to one line, without the names of graph nodes."""
    first_line = error.message.splitlines()[0]
    first_line = re.sub(r"assertion failed: \[b?'?(.*?)'?\]", r"\1", first_line)
    return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", first_line)
