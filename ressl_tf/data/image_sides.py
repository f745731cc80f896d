"""Whether images are large enough for the crops that are asked for."""

import numpy as np

from ressl_tf.data.sources import Source
from ressl_tf.runtime.errors import UsageError

SIZE_PROBES = 64  # images whose sides are compared with the views'


def check_image_size(source: Source, size: int) -> None:
    """Refuse crops that most images would have to be enlarged for.

    Where sizes vary, 64 images are probed: real sets hold a few tiny ones.

    Raises:
        UsageError: more than half of the images have a side shorter than `size`.
    """
    rows = np.linspace(0, source.size - 1, SIZE_PROBES, dtype=np.int64)
    sides = [min(shape[:2]) for shape in source.shapes(np.unique(rows))]
    if sides and np.median(sides) < size:
        raise UsageError(
            f"Images of {source.name} are smaller than the crop: the shorter side has "
            f"{int(np.median(sides))} pixels. Received: image_size={size}"
        )
