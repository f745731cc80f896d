"""A picture of what a search found: rows of images, each with a note."""

import dataclasses
import logging
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from ressl_tf.config.decoding import Decoding
from ressl_tf.data.centre_crop import centre_crop
from ressl_tf.data.decode import PLAIN, decode_any
from ressl_tf.data.shown_channels import shown
from ressl_tf.evaluate.plots.figure import image_grid, name_row, show_image

log = logging.getLogger("ressl_tf")
SIDE = 128  # pixels of an image, where it is larger
COLUMNS = 12  # at most
GREY = 200


@dataclasses.dataclass(frozen=True)
class FoundRow:
    """A row of the picture.

    Attributes:
        name: beside it.
        paths: of the images.
        notes: text in the corner of each image; empty for none.
    """

    name: str
    paths: Sequence[str]
    notes: Sequence[str]


def sheet(
    rows: Sequence[FoundRow], title: str, decoding: Decoding = PLAIN, rgb: str = ""
) -> Figure:
    """Draw rows of images; one that cannot be read is grey.

    Args:
        rows: what was found.
        title: of the figure.
        decoding: of the images.
        rgb: which of their channels are red, green and blue; see `shown_channels`.
    """
    columns = min(COLUMNS, max(len(row.paths) for row in rows))
    names = "\n".join(row.name for row in rows)
    figure, grid = image_grid(len(rows), columns, 0.9, names=names, title=title)
    unread = 0
    for axes, row in zip(grid, rows, strict=True):
        images = [thumbnail(path, decoding) for path in row.paths[:columns]]
        unread += sum(image is None for image in images)
        for axis, image, note in zip(axes, images, row.notes, strict=False):
            empty = np.full((8, 8, 3), GREY)
            show_image(axis, empty if image is None else shown(image, rgb))
            _write(axis, note)
        for axis in axes[len(images) :]:
            axis.set_axis_off()
        name_row(axes[0], row.name)
    if unread:
        log.warning("%d images of the picture cannot be read: they are grey", unread)
    return figure


def thumbnail(path: str, decoding: Decoding = PLAIN) -> np.ndarray | None:
    """Read an image as the encoder sees it, cropped; None for one that cannot be."""
    try:
        image = decode_any(tf.io.read_file(path), decoding)
    except (tf.errors.OpError, UnicodeError):
        return None
    side = min(SIDE, *image.shape[:2])
    return centre_crop(image[None], side)[0].numpy()


def _write(axis, note: str) -> None:
    if note:
        axis.text(
            *(0.04, 0.95, note),
            transform=axis.transAxes,
            fontsize=6,
            va="top",
            bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "edgecolor": "none"},
        )
