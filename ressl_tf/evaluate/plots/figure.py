"""Colours, grids of images, checks and files that all figures share."""

import os
import pathlib

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ressl_tf.data.shown_channels import shown
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError, UsageError
from ressl_tf.runtime.file_names import printable

BLUE, ORANGE, GREY = "#2060a0", "#e07b20", "#707070"
GREEN, RED = "#2a9d3a", "#d03030"
TITLE, MARGIN = 0.45, 0.05  # inches: above a grid with a title, on the right
GAP = 0.07  # between images, as a fraction of their side
LETTER, TITLE_LETTER = 0.075, 0.09  # mean width of a letter in inches
DPI = 160  # dots an inch: sharp on screens of today
NAME_LENGTH = 24  # letters of the name of a class at most
SMALL = 96  # sides in pixels below which an image is enlarged, with sharp pixels


def check_folder(folder: str | os.PathLike, flag: str = "--output") -> None:
    """Make the folder of the figures, before the work.

    Args:
        folder: Folder of the figures.
        flag: The flag that names it.

    Raises:
        UsageError: It cannot be written.
    """
    reason: str | None = None
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            reason = "no permission to write"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise UsageError(
            f"{flag} must be in a folder that can be written. Received: {folder} "
            f"({reason})"
        )


def save(figure: Figure, path: str | os.PathLike, dpi: int = DPI) -> None:
    """Write a PNG or, where the name ends so, an SVG; whole or not at all.

    Args:
        figure: The figure to write.
        path: A name that ends in .png or .svg.
        dpi: Dots an inch of a PNG.

    Raises:
        RunError: It cannot be written.
    """
    try:
        with replacing(path) as temporary:
            kind = pathlib.Path(path).suffix.removeprefix(".").lower()
            figure.savefig(temporary, dpi=dpi, format=kind)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def shorten(text: str, length: int = NAME_LENGTH) -> str:
    """Return `text`, or its two ends when it has more than `length` letters.

    What a figure cannot show is escaped, and `$` would begin a formula.
    """
    text = printable(text)
    if len(text) > length:
        half = (length - 3) // 2
        text = f"{text[:half]}...{text[-half:]}"
    return text.replace("$", r"\$")


def image_grid(
    rows: int,
    columns: int,
    side: float,
    *,
    names: str = "",
    top: float = 0.0,
    bottom: float = 0.0,
    below: float = 0.0,
    title: str = "",
) -> tuple[Figure, np.ndarray]:
    """Make a figure of square axes close to each other, with names on the left.

    Args:
        rows: Number of rows.
        columns: Number of columns.
        side: Side of an image, in inches.
        names: Names of the rows, joined by line breaks.
        top: Margin above in inches, besides the title's.
        bottom: Margin below in inches.
        below: Room below each image in inches.
        title: Title of the figure.

    Returns:
        The figure and its axes [rows, columns].
    """
    top += TITLE * bool(title)
    left = 0.15 + LETTER * max(len(line) for line in names.split("\n"))
    right = left + side * columns
    width = max(right + MARGIN, TITLE_LETTER * len(title))
    height = top + (side + below) * rows + bottom
    figure = Figure((width, height))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=left / width,
        right=right / width,
        bottom=(bottom + below) / height,
        top=1 - top / height,
        wspace=GAP,
        hspace=GAP + below / side,
    )
    if title:
        figure.suptitle(title, fontsize=11, y=1 - 0.5 * TITLE / height, va="center")
    return figure, figure.subplots(rows, columns, squeeze=False)


def show_image(axis: Axes, image: np.ndarray) -> None:
    """Draw an image [h, w, channels] on 0..255, without ticks and frame."""
    pixels = np.clip(shown(image) / 255.0, 0, 1)
    smooth = "nearest" if len(pixels) < SMALL else "antialiased"
    axis.imshow(pixels, interpolation=smooth)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def name_row(axis: Axes, name: str) -> None:
    """Write the name of a row beside its first axes."""
    axis.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
