"""Whether images are there and large enough for the crops that are asked for."""

import numpy as np

from ressl_tf.data.sources import EncodedImages, Source
from ressl_tf.runtime.errors import UsageError

SIZE_PROBES = 64  # images whose sides are compared with the views'


def check_image_size(source: Source, size: int) -> None:
    """Refuse crops that most images would have to be enlarged for.

    Where sizes vary, 64 images are probed: real sets hold a few tiny ones.

    Raises:
        UsageError: more than half of the images have a side shorter than `size`, or
            none can be read.
    """
    rows = np.unique(np.linspace(0, source.size - 1, SIZE_PROBES, dtype=np.int64))
    sides = [min(shape[:2]) for shape in source.shapes(rows)]
    if not sides:
        raise none_readable(source, rows)
    if np.median(sides) < size:
        raise UsageError(
            f"Images of {source.name} are smaller than the crop: the shorter side has "
            f"{int(np.median(sides))} pixels. Received: image_size={size}"
        )


def none_readable(images: Source | EncodedImages, rows: np.ndarray) -> UsageError:
    """Make the error about images of which none can be read."""
    first = int(rows[0])
    return UsageError(
        f"None of {len(rows)} images tried can be read; the first: "
        f"{images.example_name(first)}: {images.why_unreadable(first)}"
    )
