"""Classes that the training images and the test images have in common."""

import logging
from collections.abc import Sequence

import numpy as np

from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
NAMED = 5  # classes that a message names at most


def answerable(
    train_labels: np.ndarray,
    test_labels: np.ndarray,
    label_names: Sequence[str],
    name: str,
) -> np.ndarray:
    """Mark the test images whose class has a training image; name what has not.

    The others could only be counted as wrong: they are to be left out, and a warning
    says which and how many. Classes without a test image are named too.

    Args:
        train_labels: int [n]; below 0 for none.
        test_labels: int [m], alike.
        label_names: names of the classes.
        name: of the data set, for messages.

    Returns:
        bool [m]; images without a label are marked.

    Raises:
        UsageError: no class is in both.
    """
    train, test = (set(np.unique(x[x >= 0])) for x in (train_labels, test_labels))
    if not train & test:
        raise UsageError(
            f"no class of {name} has both training images and test images, so that no "
            f"accuracy can be given. Received: {_named(train, label_names)} to learn "
            f"from and {_named(test, label_names)} to classify"
        )
    if train - test:
        lacking = _named(train - test, label_names)
        log.warning("%s: classes without a test image: %s", name, lacking)
    unknown = np.isin(test_labels, list(test - train))
    if unknown.any():
        log.warning(
            "%s: %d of %d test images are left out, for their classes have no training "
            "image: %s",
            *(name, unknown.sum(), len(unknown), _named(test - train, label_names)),
        )
    return ~unknown


def _named(classes: set[int], names: Sequence[str]) -> str:
    """Write the names of some classes, and how many there are if they are many."""
    some = [names[label] for label in sorted(classes)[:NAMED]]
    more = f", ... ({len(classes)} classes)" if len(classes) > NAMED else ""
    return (", ".join(some) or "none") + more
