"""Small pictures of many images on one sheet."""

import math

import numpy as np
import tensorflow as tf

from ressl_tf.data.shown_channels import shown

SIDE = 40  # pixels
PER_FILE = 2000  # thumbnails in a picture: browsers hold it decoded
QUALITY = 65  # of the JPEG


class Sheet:
    """Thumbnails in rows of equal length, which a page shows pieces of.

    Args:
        count: how many there will be.
        side: of each, in pixels.
        rgb: which channels are shown; see `shown_channels`.
    """

    def __init__(self, count: int, side: int, rgb: str = ""):
        self.rgb = rgb
        self.count, self.side, self.filled = count, side, 0
        most = min(count, PER_FILE)
        self.columns = max(1, math.isqrt(max(most - 1, 0)) + 1)
        self.pixels = np.zeros((count, side, side, 3), np.uint8)

    def add(self, images: np.ndarray) -> None:
        """Add images [n, h, w, 3] on 0..255; what is more than `count` is dropped."""
        images = images[: self.count - self.filled]
        if not len(images):
            return
        small = tf.image.resize(shown(images, self.rgb), (self.side, self.side), "area")
        small = np.clip(np.rint(small.numpy()), 0, 255).astype(np.uint8)
        self.pixels[self.filled : self.filled + len(small)] = small
        self.filled += len(small)

    def jpegs(self) -> list[bytes]:
        """Return pictures of 2,000 thumbnails each; the last one may have fewer.

        Of a picture, thumbnail i is in row i // columns, column i % columns.
        """
        starts = range(0, self.count, PER_FILE)
        return [self._jpeg(self.pixels[start : start + PER_FILE]) for start in starts]

    def _jpeg(self, pixels: np.ndarray) -> bytes:
        side, columns = self.side, self.columns
        rows = -(-len(pixels) // columns)
        cells = np.zeros((rows * columns, side, side, 3), np.uint8)
        cells[: len(pixels)] = pixels
        grid = cells.reshape(rows, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
        sheet = grid.reshape(rows * side, columns * side, 3)
        return tf.io.encode_jpeg(sheet, quality=QUALITY).numpy()
