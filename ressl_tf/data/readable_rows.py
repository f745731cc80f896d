"""Which images of a set can be read, and what becomes of the others."""

import logging

import numpy as np
import tensorflow as tf

from ressl_tf.data.sources import EncodedImages
from ressl_tf.data.unreadable import unreadable
from ressl_tf.runtime.file_names import printable

logger = logging.getLogger("ressl_tf")


def readable_rows(encoded: EncodedImages) -> np.ndarray:
    """Find the rows of all images that decode."""
    logger.info("%s: checking %d images", encoded.name, encoded.size)

    def checked(row):
        # The shape must be read: unused decoding would be pruned.
        return row, tf.shape(encoded.example(row)[0])

    batches = encoded.each_readable(checked).batch(1024)
    return np.concatenate([rows for rows, _ in batches])


def leave_out(encoded: EncodedImages, bad: np.ndarray, skip: bool) -> tuple[str, ...]:
    """Name the images that cannot be read, with a warning or an error."""
    names = (*encoded.unlisted, *(encoded.example_name(row) for row in bad))
    if not names:
        return ()
    if not skip:
        reason = encoded.why_unreadable(bad[0]) or "unknown"
        raise unreadable(names[0], reason, f" ({len(bad)} of {encoded.size} images)")
    logger.warning(
        "%s: skipped %d of %d images that cannot be read: %s%s",
        encoded.name,
        len(names),
        encoded.size + len(encoded.unlisted),
        ", ".join(map(printable, names[:10])),
        ", ..." if len(bad) > 10 else "",
    )
    return names
