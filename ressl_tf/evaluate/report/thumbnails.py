"""Small pictures of many images on one sheet."""

import math

import numpy as np
import tensorflow as tf

from ressl_tf.data.channels import shown

SIDES = ((2000, 40), (6000, 32), (10**9, 24))  # up to so many images: pixels
QUALITY = 72  # of the JPEG


def side_for(count: int, image_size: int) -> int:
    """Return the side of a thumbnail in pixels; small images are not enlarged."""
    return min(image_size, next(side for most, side in SIDES if count <= most))


class Sheet:
    """Thumbnails in rows of equal length, which a page shows pieces of.

    Args:
        count: how many there will be.
        side: of each, in pixels.
    """

    def __init__(self, count: int, side: int):
        self.count, self.side, self.filled = count, side, 0
        self.columns = max(1, math.isqrt(max(count - 1, 0)) + 1)
        self.pixels = np.zeros((count, side, side, 3), np.uint8)

    def add(self, images: np.ndarray) -> None:
        """Add images [n, h, w, 3] on 0..255; what is more than `count` is dropped."""
        images = images[: self.count - self.filled]
        if not len(images):
            return
        small = tf.image.resize(shown(images), (self.side, self.side), "area")
        small = np.clip(np.rint(small.numpy()), 0, 255).astype(np.uint8)
        self.pixels[self.filled : self.filled + len(small)] = small
        self.filled += len(small)

    def jpeg(self) -> bytes:
        """Return the sheet; thumbnail i is in row i // columns, column i % columns."""
        side, columns = self.side, self.columns
        rows = -(-self.count // columns)
        cells = np.zeros((rows * columns, side, side, 3), np.uint8)
        cells[: self.count] = self.pixels
        grid = cells.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
        sheet = grid.reshape(rows * side, columns * side, 3)
        return tf.io.encode_jpeg(sheet, quality=QUALITY).numpy()
