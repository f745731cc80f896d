"""An image as its file holds it: every band, every bit."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Raw:
    """Values and what the file says of them.

    Attributes:
        values: [height, width] or [height, width, bands], of any type of numbers.
        own_range: what becomes 0 and 255, by the file or the type.
        unknown_range: whether `own_range` is a guess that has to hold: 0 to 1 of
            floats.
        inverted: whether the highest value is black.
        full_type: whether `own_range` is that of 16 bits, of which a file may use few.
    """

    values: np.ndarray
    own_range: tuple[float, float]
    unknown_range: bool = False
    inverted: bool = False
    full_type: bool = False


def by_type(values: np.ndarray) -> Raw:
    """Return values with the range of their type; 0 to 1 of floats.

    Raises:
        ValueError: they are no real numbers.
    """
    kind = values.dtype.kind
    if kind == "f":
        return Raw(values, (0.0, 1.0), unknown_range=True)
    if kind == "b":
        return Raw(values.astype(np.uint8), (0, 1))
    if kind not in "ui":
        raise ValueError(f"numbers of type {values.dtype} are no image")
    limits = np.iinfo(values.dtype)
    deep = values.dtype.itemsize > 1
    return Raw(values, (float(limits.min), float(limits.max)), full_type=deep)


def check_pixels(height: int, width: int, most: int) -> None:
    """Refuse an image before it is decoded.

    Raises:
        ValueError: it has more pixels than `most`.
    """
    if height * width > most:
        raise ValueError(f"{height * width} pixels, more than max_pixels={most}")
