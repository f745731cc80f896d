"""The bytes of image files to RGB, and errors for bytes that are none."""

import functools
import re
from collections.abc import Callable

import tensorflow as tf

from ressl_tf.config.decoding import RGB, Decoding
from ressl_tf.data import headers, orientation
from ressl_tf.data.channels import to_grey
from ressl_tf.data.headers import header_pixels, number
from ressl_tf.data.library_image import decode_by_library, is_library_format
from ressl_tf.data.value_range import scale_deep

__all__ = ["complaint", "decode_any", "decode_deep", "decode_image", "header_pixels"]
PLAIN = Decoding()


def decode_image(encoded: tf.Tensor, decoding: Decoding = PLAIN) -> tf.Tensor:
    """Decode JPEG, PNG, WebP, BMP, JPEG XL or the first frame of a GIF.

    The bytes say which, not the file's name. Grey, palettes and CMYK become RGB; alpha
    is dropped (the colours beneath it stay), as `PIL.Image.convert("RGB")` does. The 16
    bits of a PNG become 8 by 255 / 65535, or as `value_range` says; Pillow clips them.
    Photos are turned upright, as their EXIF orientation says
    (`PIL.ImageOps.exif_transpose`).

    Args:
        encoded: string [].
        decoding: most pixels of an image, by its header, which is read first; EXIF;
            the range of 16 bits; whether it is grey; whether 16 bits are rounded to 8.

    Returns:
        [height, width, 3], or [height, width, 1] of grey images, on 0..255, of
        `decoding.dtype`.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no image, a damaged one, or one of
            more than `max_pixels`.
    """
    return _decode(encoded, decoding, False)


def decode_any(encoded: tf.Tensor, decoding: Decoding = PLAIN) -> tf.Tensor:
    """Decode as `decode_image` does, and TIFF, HEIC, DICOM and NumPy's arrays too.

    Those are read in Python: no SavedModel can hold them. Of other channels than 1 and
    3 they are the files' own, those of a PNG or the bands of these formats.
    """
    return _decode(encoded, decoding, True)


def _decode(encoded: tf.Tensor, decoding: Decoding, libraries: bool) -> tf.Tensor:
    if decoding.channels not in (1, RGB):
        return _all_channels(encoded, decoding)
    # All that is rare is behind one branch and one call, which is not inlined: of what
    # is not taken, each operation costs. Eagerly, errors are shorter without the call.
    rare: Callable[..., tf.Tensor]
    rare = functools.partial(_rare, decoding=decoding, libraries=libraries)
    if not tf.executing_eagerly():
        rare = _rare_call(decoding, libraries)
    is_usual = tf.strings.substr(encoded, 0, 3) == headers.JPEG
    if decoding.exif == "apply":
        is_usual &= ~orientation.may_be_turned(encoded)
    image = tf.cond(is_usual, lambda: _jpeg(encoded, decoding), lambda: rare(encoded))
    image.set_shape([None, None, RGB])
    return to_grey(image) if decoding.channels == 1 else image


@functools.cache
def _rare_call(decoding: Decoding, libraries: bool) -> Callable[..., tf.Tensor]:
    return tf.function(
        functools.partial(_rare, decoding=decoding, libraries=libraries),
        autograph=False,
        input_signature=[tf.TensorSpec([], tf.string)],
        experimental_attributes={"_noinline": True},
    )


def _rare(encoded: tf.Tensor, decoding: Decoding, libraries: bool) -> tf.Tensor:
    """Decode what is not an upright JPEG."""

    def jpeg():
        image = _jpeg(encoded, decoding)
        return orientation.upright(image, orientation.jpeg_orientation(encoded))

    def other():
        if not libraries:
            return _other(encoded, decoding)
        return tf.cond(
            is_library_format(encoded),
            lambda: decode_by_library(encoded, decoding),
            lambda: _other(encoded, decoding),
        )

    return tf.cond(tf.strings.substr(encoded, 0, 3) == headers.JPEG, jpeg, other)


def _all_channels(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    """Decode every channel that a file holds: a PNG's, or the bands of a library's."""
    head = headers.read_header(encoded)

    def plain():
        rules = headers.refusals(head)
        pixels = header_pixels(encoded)
        checked = _allowed(encoded, pixels, decoding.max_pixels, *rules)
        return tf.cond(
            headers.is_deep_png(head),
            lambda: scale_deep(
                tf.io.decode_png(checked, 0, tf.uint16),
                decoding.value_range,
                decoding.dtype,
            ),
            lambda: tf.cast(tf.io.decode_png(checked, 0), decoding.dtype),
        )

    is_library = is_library_format(encoded)
    image = tf.cond(is_library, lambda: decode_by_library(encoded, decoding), plain)
    found = tf.shape(image)[2]
    why = tf.strings.format("{} channels, not channels={}", (found, decoding.channels))
    check = tf.raw_ops.Assert(condition=found == decoding.channels, data=[why])
    with tf.control_dependencies([check] if check is not None else []):
        return tf.ensure_shape(tf.identity(image), [None, None, decoding.channels])


def _allowed(
    encoded: tf.Tensor, pixels: tf.Tensor, most: int | tf.Tensor, *rules
) -> tf.Tensor:
    """Return the bytes, after the checks of their header."""
    reason = tf.strings.format("{} pixels, more than max_pixels={}", (pixels, most))
    rules = *rules, (pixels <= most, reason)
    checks = [tf.raw_ops.Assert(condition=rule, data=[why]) for rule, why in rules]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(encoded)


def _jpeg(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    encoded = _allowed(encoded, headers.jpeg_pixels(encoded), decoding.max_pixels)
    # The default DCT is off by 1.2 levels; this one equals Pillow at the same speed.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.cast(image, decoding.dtype)


def _other(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    head = headers.read_header(encoded)
    rules = headers.refusals(head)
    pixels = header_pixels(encoded)
    encoded = _allowed(encoded, pixels, decoding.max_pixels, *rules)
    webp, png = (headers.starts_with(head, m) for m in (headers.RIFF, headers.PNG))

    def plain():
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        return tf.ensure_shape(image, [None, None, 3])

    def own_channels():  # one, three or four
        image = tf.io.decode_image(encoded, expand_animations=False)
        image = tf.ensure_shape(image, [None, None, None])[..., :3]
        shape = tf.concat([tf.shape(image)[:2], [3]], 0)
        return tf.broadcast_to(image, shape)

    def deep():
        return scale_deep(decode_deep(encoded), decoding.value_range, decoding.dtype)

    shallow = [
        (webp, own_channels),
        (headers.is_jxl(head), own_channels),
        (headers.is_palette_bmp(head), lambda: _palette_bmp(encoded, head)),
        (headers.is_alpha_bmp(head), lambda: tf.io.decode_bmp(encoded)[..., :3]),
    ]
    kinds = [(is_kind, _cast(read, decoding)) for is_kind, read in shallow]
    kinds.append((headers.is_deep_png(head), deep))
    image = tf.case(kinds, default=_cast(plain, decoding))
    if decoding.exif == "ignore":
        return image
    turn = orientation.chunk_orientation(encoded, png, webp)
    return orientation.upright(image, turn)


def _cast(read: Callable[[], tf.Tensor], decoding: Decoding) -> Callable[[], tf.Tensor]:
    return lambda: tf.cast(read(), decoding.dtype)


def decode_deep(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a PNG with all bits, string [] -> uint16 [height, width, 3]."""
    return tf.io.decode_png(encoded, channels=3, dtype=tf.uint16)


def _palette_bmp(encoded: tf.Tensor, head: tf.Tensor) -> tf.Tensor:
    """Look up a BMP's colours, which TensorFlow leaves as numbers in its palette."""
    numbers = tf.cast(tf.io.decode_bmp(encoded)[..., 0], tf.int32)
    start, end = 14 + number(head[14:18]), number(head[10:14])
    entries = tf.io.decode_raw(tf.strings.substr(encoded, start, end - start), tf.uint8)
    palette = tf.reshape(entries[: tf.size(entries) // 4 * 4], [-1, 4])
    return tf.gather(palette[:, 2::-1], numbers)


def complaint(error: tf.errors.OpError) -> str:
    """Shorten an operation's error to one line, without the names of graph nodes."""
    first_line = error.message.splitlines()[0].removeprefix("ValueError: ")
    first_line = re.sub(r"assertion failed: \[b?'?(.*?)'?\]", r"\1", first_line)
    return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", first_line)
