"""The first bytes of an image: its format, its sides, and what is not read of it."""

from collections.abc import Sequence

import tensorflow as tf

from ressl_tf.data import jxl_header

HEADER = 64  # bytes, which hold the sides of all formats but JPEG
JPEG, PNG, GIF, BMP, RIFF = b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF"
JXL = (jxl_header.CODESTREAM, jxl_header.CONTAINER)
DEPTH = 24  # place of the bits of a PNG's channel
FORMATS = "JPEG, PNG, WebP, BMP, GIF or JPEG XL"
ANIMATION = 0x02  # among the flags of a WebP
BITFIELDS = 3  # a BMP's kind of compression


def read_header(encoded: tf.Tensor) -> tf.Tensor:
    """Return the first bytes, string [] -> int64 [HEADER], with zeros at the end."""
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, HEADER), tf.uint8)
    head = tf.cast(tf.pad(head, [[0, HEADER - tf.size(head)]]), tf.int64)
    return tf.ensure_shape(head, [HEADER])


def starts_with(head: tf.Tensor, magic: bytes, start: int = 0) -> tf.Tensor:
    """Return whether these bytes are at `start`, bool []."""
    return tf.reduce_all(head[start : start + len(magic)] == list(magic))


def is_image(head: tf.Tensor) -> tf.Tensor:
    """Return whether a header is of a format that is read, bool []."""
    webp = starts_with(head, RIFF) & starts_with(head, b"WEBP", 8)
    others = (JPEG, PNG, GIF, BMP, *JXL)
    return tf.reduce_any([webp, *(starts_with(head, magic) for magic in others)])


def number(digits: tf.Tensor, order: str = "little") -> tf.Tensor:
    """Read bytes, int64 [n], as one whole number; `order` as in `int.from_bytes`."""
    weights = [256**place for place in range(digits.shape[0])]
    return tf.reduce_sum(digits * (weights[::-1] if order == "big" else weights))


def header_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width from the header, int64 []; 0 for bytes of no known format."""
    head = read_header(encoded)

    def png():
        return number(head[16:20], "big") * number(head[20:24], "big")

    def gif():
        return number(head[6:8]) * number(head[8:10])

    def bmp():
        sides = tf.stack([number(head[18:22]), number(head[22:26])])
        sides = tf.where(sides < 2**31, sides, 2**32 - sides)  # below 0: from the top
        return tf.reduce_prod(sides)

    formats = [
        (starts_with(head, JPEG), lambda: jpeg_pixels(encoded)),
        (starts_with(head, PNG), png),
        (starts_with(head, GIF), gif),
        (starts_with(head, RIFF), lambda: _webp_pixels(head)),
        (starts_with(head, BMP), bmp),
        (is_jxl(head), lambda: jxl_header.jxl_pixels(encoded)),
    ]
    return tf.case(formats, default=lambda: tf.zeros([], tf.int64))


def jpeg_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width of a JPEG, int64 []."""
    sides = tf.io.extract_jpeg_shape(encoded, tf.int32)[:2]
    return tf.reduce_prod(tf.cast(sides, tf.int64))


def _webp_pixels(head: tf.Tensor) -> tf.Tensor:
    def extended():
        return (1 + number(head[24:27])) * (1 + number(head[27:30]))

    def lossless():
        bits = number(head[21:25])
        return (1 + bits % 2**14) * (1 + bits // 2**14 % 2**14)

    def lossy():
        return (number(head[26:28]) % 2**14) * (number(head[28:30]) % 2**14)

    kinds = [
        (starts_with(head, b"VP8X", 12), extended),
        (starts_with(head, b"VP8L", 12), lossless),
    ]
    return tf.case(kinds, default=lossy)


def is_jxl(head: tf.Tensor) -> tf.Tensor:
    """Whether the header is that of a JPEG XL, bool []."""
    return tf.reduce_any([starts_with(head, magic) for magic in JXL])


def is_deep_png(head: tf.Tensor) -> tf.Tensor:
    """Whether the header is that of a PNG of 16 bits a channel, bool []."""
    return starts_with(head, PNG) & (head[DEPTH] == 16)


def is_palette_bmp(head: tf.Tensor) -> tf.Tensor:
    """Whether the header is that of a BMP of one byte a pixel, bool []."""
    return starts_with(head, BMP) & (number(head[28:30]) == 8)


def is_alpha_bmp(head: tf.Tensor) -> tf.Tensor:
    """Whether the header is that of a BMP of four bytes a pixel, bool []."""
    return starts_with(head, BMP) & (number(head[28:30]) == 32)


def refusals(head: tf.Tensor) -> Sequence[tuple[tf.Tensor, str]]:
    """List what is not read: (whether it is allowed, bool []; what to say if not)."""
    # TensorFlow crashes at an animated WebP, and misreads the BMPs that are refused.
    webp, bmp = starts_with(head, RIFF), starts_with(head, BMP)
    moving = webp & starts_with(head, b"VP8X", 12) & (head[20] // ANIMATION % 2 == 1)
    moving |= webp & (starts_with(head, b"ANIM", 12) | starts_with(head, b"ANIM", 30))
    bits, packing = number(head[28:30]), number(head[30:34])
    plain = (number(head[14:18]) >= 40) & ((bits == 8) | (bits == 24) | (bits == 32))
    usual = (bits == 32) & starts_with(head, b"\0\0\xff\0\0\xff\0\0\xff\0\0\0", 54)
    plain &= (packing == 0) | ((packing == BITFIELDS) & usual)
    return [
        (is_image(head), f"its bytes are no {FORMATS}"),
        (~moving, "an animated WebP, of which no frame is read"),
        (~bmp | plain, "a BMP that is compressed, or not of 8, 24 or 32 bits a pixel"),
    ]
