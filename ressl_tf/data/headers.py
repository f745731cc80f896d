"""The first bytes of an image: its format, its sides, and what is not read of it."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ressl_tf.data import header_table
from ressl_tf.data.jxl_header import jxl_pixels
from ressl_tf.data.library_formats import HEAD

JPEG = header_table.JPEG
FORMATS = header_table.FORMATS


@dataclasses.dataclass(frozen=True)
class Header:
    """What the first bytes of an image say.

    Attributes:
        encoded: the image, string [].
        head: its first bytes, int64 [HEAD], with zeros at the end.
        row: of the table, int64 [].
        table: of `header_table`.
    """

    encoded: tf.Tensor
    head: tf.Tensor
    row: tf.Tensor
    table: Sequence[header_table.Row]

    def each(self, column: Callable[[header_table.Row], int]) -> tf.Tensor:
        """Return an entry of the row that fits, int32 []."""
        return tf.gather(
            np.array([column(row) for row in self.table], np.int32), self.row
        )

    def refusal(self) -> tf.Tensor:
        """Return why it is not read, string []; empty where it is."""
        return tf.gather([row.refusal for row in self.table], self.row)

    def pixels(self) -> tf.Tensor:
        """Read height x width, int64 []; 0 for bytes of no known format."""
        readers = [
            self._by_table,
            lambda: jpeg_pixels(self.encoded),
            lambda: jxl_pixels(self.encoded),
        ]
        return tf.switch_case(self.each(lambda row: row.read_by), readers)

    def _by_table(self) -> tf.Tensor:
        sides = [row.sides for row in self.table]
        weights = np.array([[side.weights() for side in pair] for pair in sides])
        terms = [[(s.shift, 2**s.bits - 1, s.plus) for s in pair] for pair in sides]
        shift, ones, plus = tf.unstack(tf.gather(np.array(terms), self.row), axis=1)
        found = tf.reduce_sum(self.head * tf.gather(weights, self.row), axis=1)
        found = tf.bitwise.bitwise_and(tf.bitwise.right_shift(found, shift), ones)
        found = tf.minimum(found, 2**32 - found)  # a BMP's from the top are negative
        return tf.reduce_prod(found + plus)


def read_header(encoded: tf.Tensor, libraries: bool = False) -> Header:
    """Look up the first bytes.

    Args:
        encoded: string [].
        libraries: whether formats that Python reads are looked up, too.
    """
    table, masks, values = _table(libraries)
    head = tf.io.decode_raw(encoded, tf.uint8, fixed_length=HEAD)
    head = tf.ensure_shape(head, [HEAD])
    fits = tf.reduce_all(tf.bitwise.bitwise_and(head, masks) == values, axis=1)
    row = tf.argmax(tf.cast(fits, tf.uint8))
    return Header(encoded, tf.cast(head, tf.int64), row, table)


@functools.cache
def _table(libraries: bool):
    table = header_table.rows(libraries)
    return table, *header_table.patterns(table)


def header_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width from the header, int64 []; 0 for bytes of no known format."""
    return read_header(encoded).pixels()


def jpeg_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Read height x width of a JPEG, int64 []."""
    sides = tf.io.extract_jpeg_shape(encoded, tf.int32)[:2]
    return tf.reduce_prod(tf.cast(sides, tf.int64))
