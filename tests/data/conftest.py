"""Fixtures of several files on data."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def folder(tmp_path):
    """Write 30 images of different sizes in two classes; number i is filled with i."""
    for number in range(30):
        path = tmp_path / "ab"[number // 15] / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        image = np.full((4 + number % 3, 5, 3), number, np.uint8)
        path.write_bytes(tf.io.encode_png(image).numpy())
    return tmp_path
