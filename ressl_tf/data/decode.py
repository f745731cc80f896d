"""JPEG and PNG bytes to RGB, and the words for bytes that are neither."""

import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ressl_tf.config.data_flags import MAX_PIXELS

HEADER = 24  # bytes, which hold the sides of a PNG or GIF


class EncodedImages:
    """Images by number, which `read` gives encoded: row -> (string [], label int32 []).

    Attributes:
        size: how many there are.
        name: of the set, for messages.
        label_names: class names in the order of their numbers, or None.
        max_pixels: an image of more is unreadable.
        unlisted: names of what may hold more images and cannot be looked into.
    """

    size: int
    name: str
    label_names: tuple[str, ...] | None
    max_pixels: int = MAX_PIXELS
    unlisted: tuple[str, ...] = ()

    def example(self, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """int64 [] -> (uint8 [height, width, 3], int32 [])."""
        encoded, label = self.read(row)
        return decode_image(encoded, self.max_pixels), label

    def why_unreadable(self, row: int) -> str | None:
        """What is wrong with an image, in one line; None for nothing."""
        try:
            self.example(tf.constant(row, tf.int64))
        except tf.errors.OpError as error:
            return complaint(error)
        return None

    def shapes(self, rows: np.ndarray) -> list[tuple[int, int, int]]:
        """Of those images that decode."""
        shapes = self.each_readable(lambda row: tf.shape(self.example(row)[0]), rows)
        return [tuple(shape) for shape in shapes.as_numpy_iterator()]

    @tf.autograph.experimental.do_not_convert  # slow, for nothing
    def each_readable(self, function: Callable, rows=None) -> tf.data.Dataset:
        """`function(row)` in order of the rows, without those where it fails.

        Args:
            function: of an int64 [].
            rows: int64 [m]; None for all.
        """
        rows = np.arange(self.size) if rows is None else rows
        rows = tf.data.Dataset.from_tensor_slices(rows)
        parallel = rows.map(function, num_parallel_calls=tf.data.AUTOTUNE)
        return parallel.ignore_errors()


def decode_image(encoded: tf.Tensor, max_pixels: int = MAX_PIXELS) -> tf.Tensor:
    """Decodes JPEG, PNG or a still GIF: string [] -> uint8 [height, width, 3].

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
    """Height x width as the header has it, int64 []; 0 for bytes of no known kind."""
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, HEADER), tf.uint8)
    head = tf.cast(tf.pad(head, [[0, HEADER - tf.size(head)]]), tf.int64)

    def starts(magic):
        return tf.reduce_all(head[: len(magic)] == list(magic))

    def number(start, *weights):
        return tf.reduce_sum(head[start : start + len(weights)] * weights)

    def png():
        big_endian = (2**24, 2**16, 2**8, 1)
        return number(16, *big_endian) * number(20, *big_endian)

    def gif():
        return number(6, 1, 2**8) * number(8, 1, 2**8)

    def jpeg():
        sides = tf.io.extract_jpeg_shape(encoded, tf.int32)[:2]
        return tf.reduce_prod(tf.cast(sides, tf.int64))

    kinds = {b"\x89PNG": png, b"GIF8": gif, b"\xff\xd8": jpeg}
    cases = [(starts(magic), read) for magic, read in kinds.items()]
    return tf.case(cases, default=lambda: tf.zeros([], tf.int64))


def complaint(error: tf.errors.OpError) -> str:
    """What an operation says in one line, without the names of graph nodes."""
    first_line = error.message.splitlines()[0]
    first_line = re.sub(r"assertion failed: \[b?'?(.*?)'?\]", r"\1", first_line)
    return re.sub(r"\{\{.*?\}\} ?| \[Op:.*", "", first_line)
