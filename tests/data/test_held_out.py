"""What is held out of each class."""

import numpy as np

from ressl_tf.data.held_out import held_out


def test_every_class_has_its_tenth():
    """Small classes too, but for those of one image; none without a label."""
    labels = np.array([0] * 21 + [1] * 2 + [2] + [-1] * 12 + [3] * 10)
    assert np.flatnonzero(held_out(labels)).tolist() == [0, 10, 20, 21, 36]
    mixed = np.array([0, 1] * 20)
    assert np.flatnonzero(held_out(mixed)).tolist() == [0, 1, 20, 21]
