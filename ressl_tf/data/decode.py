"""JPEG and PNG bytes to RGB, and error messages for bytes that are neither."""

import re

import tensorflow as tf

from ressl_tf.config.data_flags import MAX_PIXELS

HEADER = 24  # bytes, which hold the sides of a PNG or GIF


def decode_image(encoded: tf.Tensor, max_pixels: int = MAX_PIXELS) -> tf.Tensor:
    """Decode JPEG, PNG or a still GIF: string [] -> uint8 [height, width, 3].

    Grey and CMYK become RGB, 16 bits become 8, and alpha is dropped (the colours
    beneath it stay), all as `PIL.Image.convert("RGB")` does. EXIF orientation is
    ignored, as torchvision's folders ignore it.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no image, or a damaged one, or one
            of more than `max_pixels` by its header, which is read first.
    """
    pixels = header_pixels(encoded)
    reason = tf.strings.format(
        "{} pixels, more than max_pixels={}", (pixels, max_pixels)
    )
    allowed = tf.raw_ops.Assert(condition=pixels <= max_pixels, data=[reason])
    with tf.control_dependencies([] if allowed is None else [allowed]):
        encoded = tf.identity(encoded)
    # The default DCT is off by 1.2 levels; this one equals Pillow at the same speed.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    image.set_shape([None, None, 3])
    return image


def header_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width from the header, int64 []; 0 for bytes of no known format."""
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, HEADER), tf.uint8)
    head = tf.cast(tf.pad(head, [[0, HEADER - tf.size(head)]]), tf.int64)
    head.set_shape([HEADER])

    def png():
        return _number(head[16:20], "big") * _number(head[20:24], "big")

    def gif():
        return _number(head[6:8], "little") * _number(head[8:10], "little")

    def jpeg():
        sides = tf.io.extract_jpeg_shape(encoded, tf.int32)[:2]
        return tf.reduce_prod(tf.cast(sides, tf.int64))

    formats = [
        (_starts_with(head, b"\x89PNG"), png),
        (_starts_with(head, b"GIF8"), gif),
        (_starts_with(head, b"\xff\xd8"), jpeg),
    ]
    return tf.case(formats, default=lambda: tf.zeros([], tf.int64))


def _starts_with(head: tf.Tensor, magic: bytes) -> tf.Tensor:
    return tf.reduce_all(head[: len(magic)] == list(magic))


def _number(digits: tf.Tensor, order: str) -> tf.Tensor:
    """Read bytes, int64 [n], as one whole number; `order` as in `int.from_bytes`."""
    weights = [256**place for place in range(digits.shape[0])]
    return tf.reduce_sum(digits * (weights[::-1] if order == "big" else weights))


def complaint(error: tf.errors.OpError) -> str:
    """Shorten an operation's error to one line, without the names of graph nodes."""
    first_line = error.message.splitlines()[0]
    first_line = re.sub(r"assertion failed: \[b?'?(.*?)'?\]", r"\1", first_line)
    return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", first_line)
