"""The bytes of image files to RGB, and errors for bytes that are none."""

import functools
import re
from collections.abc import Callable

import tensorflow as tf

from ressl_tf.config.decoding import RGB, Decoding
from ressl_tf.data import containers, headers
from ressl_tf.data import orientation as tag
from ressl_tf.data.augment.oriented import STORED_UPRIGHT, upright
from ressl_tf.data.channels import to_grey
from ressl_tf.data.header_table import Reader
from ressl_tf.data.headers import Header, header_pixels, read_header
from ressl_tf.data.library_image import decode_by_library
from ressl_tf.data.value_range import scale_deep

__all__ = [
    *("complaint", "decode_any", "decode_as_stored", "decode_deep", "decode_image"),
    "header_pixels",
]
PLAIN = Decoding()
COLOURS = 256  # of a palette


def decode_image(encoded: tf.Tensor, decoding: Decoding = PLAIN) -> tf.Tensor:
    """Decode JPEG, PNG, WebP, BMP, JPEG XL or the first frame of a GIF.

    The bytes say which, not the file's name. Grey, palettes and CMYK become RGB; alpha
    is dropped (the colours beneath it stay), as `PIL.Image.convert("RGB")` does; a
    GIF's transparent pixels are black. The 16
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
    return _decode(encoded, decoding, False)[0]


def decode_any(encoded: tf.Tensor, decoding: Decoding = PLAIN) -> tf.Tensor:
    """Decode as `decode_image` does, and TIFF, HEIC, DICOM and NumPy's arrays too.

    Those are read in Python: no SavedModel can hold them. Of other channels than 1 and
    3 they are the files' own, those of a PNG or the bands of these formats.
    """
    return _decode(encoded, decoding, True)[0]


def decode_as_stored(
    encoded: tf.Tensor, decoding: Decoding = PLAIN
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode as `decode_any` does, without turning: (image, orientation, int32 []).

    `augment.oriented.upright` of both is what `decode_any` returns.
    """
    return _decode(encoded, decoding, True, turn=False)


def _decode(
    encoded: tf.Tensor, decoding: Decoding, libraries: bool, turn: bool = True
) -> tuple[tf.Tensor, tf.Tensor]:
    straight = tf.constant(STORED_UPRIGHT)
    if decoding.channels not in (1, RGB):
        return _all_channels(encoded, decoding), straight
    # All that is rare is behind one branch and one call, which is not inlined: of what
    # is not taken, each operation costs. Eagerly, errors are shorter without the call.
    rare: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    rare = functools.partial(_rare, decoding=decoding, libraries=libraries, turn=turn)
    if not tf.executing_eagerly():
        rare = _rare_call(decoding, libraries, turn)
    is_usual = tf.strings.substr(encoded, 0, 3) == headers.JPEG
    if decoding.exif == "apply":
        is_usual &= ~tag.may_be_turned(encoded)
    image, orientation = tf.cond(
        is_usual,
        lambda: (_jpeg(encoded, decoding), straight),
        lambda: rare(encoded),
    )
    image.set_shape([None, None, RGB])
    return (to_grey(image) if decoding.channels == 1 else image), orientation


@functools.cache
def _rare_call(
    decoding: Decoding, libraries: bool, turn: bool
) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    return tf.function(
        functools.partial(_rare, decoding=decoding, libraries=libraries, turn=turn),
        autograph=False,
        input_signature=[tf.TensorSpec([], tf.string)],
        experimental_attributes={"_noinline": True},
    )


def _rare(
    encoded: tf.Tensor, decoding: Decoding, libraries: bool, turn: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode what is not an upright JPEG, and turn it or say how it is turned."""
    header = read_header(encoded, libraries)
    checked = _checked(header, decoding.max_pixels)
    readers: dict[Reader, Callable[[], tf.Tensor]] = {
        Reader.NONE: lambda: tf.zeros([0, 0, RGB], tf.uint8),
        Reader.JPEG: lambda: _pixels_of_jpeg(checked, header.pixels()),
        Reader.PLAIN: lambda: _as_rgb(checked),
        Reader.PNG: lambda: _as_rgb(_without_texts(checked)),
        Reader.GIF: lambda: _gif(checked, decoding.max_pixels),
        Reader.OWN_CHANNELS: lambda: _own_channels(checked),
        Reader.PALETTE_BMP: lambda: _palette_bmp(checked),
        Reader.ALPHA_BMP: lambda: tf.io.decode_bmp(checked)[..., :RGB],
    }
    readers = {reader: _cast(read, decoding) for reader, read in readers.items()}
    readers[Reader.DEEP_PNG] = lambda: _scaled(
        decode_deep(_without_texts(checked)), decoding
    )
    if libraries:
        readers[Reader.LIBRARY] = lambda: decode_by_library(checked, decoding)
    image = tf.switch_case(header.each(lambda row: row.reader), readers)
    image = tf.ensure_shape(image, [None, None, RGB])
    if decoding.exif == "ignore":
        return image, tf.constant(STORED_UPRIGHT)
    kind = header.each(lambda row: row.exif)
    turned = tag.stored(encoded, kind)
    if turn:
        return upright(image, turned), tf.constant(STORED_UPRIGHT)
    return image, turned


def _all_channels(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    """Decode every channel that a file holds: a PNG's, or the bands of a library's."""
    header = read_header(encoded, libraries=True)
    checked = _without_texts(_checked(header, decoding.max_pixels))

    readers = dict.fromkeys(
        Reader, _cast(lambda: tf.io.decode_png(checked, 0), decoding)
    )
    readers[Reader.DEEP_PNG] = lambda: _scaled(
        tf.io.decode_png(checked, 0, tf.uint16), decoding
    )
    readers[Reader.LIBRARY] = lambda: decode_by_library(checked, decoding)
    image = tf.switch_case(header.each(lambda row: row.reader), readers)
    found = tf.shape(image)[2]
    why = tf.strings.format("{} channels, not channels={}", (found, decoding.channels))
    image = _allowed(image, (found == decoding.channels, why))
    return tf.ensure_shape(image, [None, None, decoding.channels])


def _checked(header: Header, most: int | tf.Tensor) -> tf.Tensor:
    """Return the bytes, after the checks of their header."""
    refusal = header.refusal()
    size_rule = _size_rule(header.pixels(), most)
    return _allowed(header.encoded, (refusal == "", refusal), size_rule)


def _size_rule(pixels: tf.Tensor, most: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return whether an image is small enough, and what to say if not."""
    reason = tf.strings.format("{} pixels, more than max_pixels={}", (pixels, most))
    return pixels <= most, reason


def _allowed(value: tf.Tensor, *rules: tuple[tf.Tensor, tf.Tensor | str]) -> tf.Tensor:
    """Return a value, after checks: (whether it is allowed, what to say if not)."""
    checks = [tf.raw_ops.Assert(condition=rule, data=[why]) for rule, why in rules]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(value)


def _cast(read: Callable[[], tf.Tensor], decoding: Decoding) -> Callable[[], tf.Tensor]:
    return lambda: tf.cast(read(), decoding.dtype)


def _scaled(deep: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    return scale_deep(deep, decoding.value_range, decoding.dtype)


def _jpeg(encoded: tf.Tensor, decoding: Decoding) -> tf.Tensor:
    pixels = headers.jpeg_pixels(encoded)
    size_rule = _size_rule(pixels, decoding.max_pixels)
    image = _pixels_of_jpeg(_allowed(encoded, size_rule), pixels)
    return tf.cast(image, decoding.dtype)


def _pixels_of_jpeg(encoded: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    why = f"a JPEG of more than {containers.SCANS} scans"
    encoded = tf.cond(
        containers.scans_matter(encoded, pixels),
        lambda: _allowed(encoded, (containers.scans(encoded) <= containers.SCANS, why)),
        lambda: encoded,
    )
    # The default DCT is off by 1.2 levels; this one equals Pillow at the same speed.
    return tf.io.decode_jpeg(encoded, channels=RGB, dct_method="INTEGER_ACCURATE")


def _as_rgb(encoded: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels=RGB, expand_animations=False)


def _gif(encoded: tf.Tensor, most: int) -> tf.Tensor:
    """Decode the first frame, which may be larger than the screen in the header."""
    encoded, pixels = containers.first_frame(encoded)
    return _as_rgb(_allowed(encoded, _size_rule(pixels, most)))


def _without_texts(encoded: tf.Tensor) -> tf.Tensor:
    """Return the bytes of a PNG, after a look at what is packed beside the pixels."""
    why = f"a PNG of more than {containers.TEXTS} packed texts"
    count = containers.packed_texts
    return tf.cond(
        containers.texts_matter(encoded),
        lambda: _allowed(encoded, (count(encoded) <= containers.TEXTS, why)),
        lambda: encoded,
    )


def _own_channels(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one, three or four channels, and drop alpha."""
    image = tf.io.decode_image(encoded, expand_animations=False)
    image = tf.ensure_shape(image, [None, None, None])[..., :RGB]
    shape = tf.concat([tf.shape(image)[:2], [RGB]], 0)
    return tf.broadcast_to(image, shape)


def decode_deep(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a PNG with all bits, string [] -> uint16 [height, width, 3]."""
    return tf.io.decode_png(encoded, channels=3, dtype=tf.uint16)


def _palette_bmp(encoded: tf.Tensor) -> tf.Tensor:
    """Look up a BMP's colours, which TensorFlow leaves as numbers in its palette."""
    places = tf.io.decode_raw(tf.strings.substr(encoded, 10, 8), tf.int32)
    start, end = 14 + places[1], places[0]
    inside = (start >= 14) & (end >= start) & (end <= tf.strings.length(encoded))
    encoded = _allowed(encoded, (inside, "a BMP whose palette is not in the file"))
    entries = tf.strings.substr(encoded, start, tf.minimum(end - start, 4 * COLOURS))
    palette = tf.io.decode_raw(entries, tf.uint8, fixed_length=4 * COLOURS)
    palette = tf.reshape(palette, [COLOURS, 4])[:, 2::-1]  # black beyond its end
    numbers = tf.cast(tf.io.decode_bmp(encoded)[..., 0], tf.int32)
    return tf.gather(palette, numbers)


def complaint(error: tf.errors.OpError) -> str:
    """Shorten an operation's error to one line, without the names of graph nodes."""
    first_line = error.message.splitlines()[0].removeprefix("ValueError: ")
    first_line = re.sub(r"assertion failed: \[b?'?(.*?)'?\]", r"\1", first_line)
    return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", first_line)
