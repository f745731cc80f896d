"""Unit vectors, and the short name of the kNN module."""

import numpy as np

from ressl_tf.evaluate import knn, nearest_neighbors
from ressl_tf.evaluate.vectors import unit_rows


def test_rows_have_length_1_and_zeros_stay():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    assert rows.dtype == np.float32


def test_knn_is_the_short_name_of_nearest_neighbors():
    assert knn is nearest_neighbors
