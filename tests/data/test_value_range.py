"""Ranges of 16 bits in TensorFlow and in NumPy."""

import numpy as np
import pytest

from ressl_tf.data.value_range import percentiles, scale_deep, to_pixels

RNG = np.random.default_rng(0)
DEEP = RNG.integers(100, 5000, (37, 41, 3), np.uint16)


@pytest.mark.parametrize("value_range", ["auto", "dtype", "100,4095", "percentiles"])
def test_png_and_arrays_have_the_same_pixels(value_range):
    by_tensorflow = scale_deep(DEEP, value_range).numpy()
    by_numpy = to_pixels(DEEP, (0, 65535), value_range)
    np.testing.assert_array_equal(by_tensorflow, by_numpy)


def test_percentiles_are_those_of_numpy():
    low, high = percentiles(DEEP)
    order = np.sort(DEEP, axis=None)  # of 4551 values
    assert (low, high) == (order[22], order[4528])
    wanted = np.rint(np.clip((DEEP - low) / (high - low), 0, 1) * 255)
    found = scale_deep(DEEP, "percentiles").numpy()
    np.testing.assert_allclose(found, wanted, atol=1)
    assert found.min() == 0
    assert found.max() == 255


def test_an_image_of_one_value_is_black():
    flat = np.full((3, 3, 1), 777, np.uint16)
    assert scale_deep(flat, "percentiles").numpy().max() == 0
    assert to_pixels(flat, (0, 65535), "percentiles").max() == 0
