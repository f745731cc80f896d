"""Orientation in NumPy, against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.data.augment.oriented import upright
from ressl_tf.data.formats.turned import turned


@pytest.mark.parametrize("orientation", range(10))
def test_it_is_that_of_tensorflow(orientation):
    image = np.arange(24).reshape(2, 4, 3)
    wanted = upright(tf.constant(image), tf.constant(orientation))
    np.testing.assert_array_equal(turned(image, orientation), wanted)
