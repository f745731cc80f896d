"""Photos of the benchmark of views."""

import numpy as np
import tensorflow as tf

from ressl_tf.benchmarks import view_speed as view_bench


def test_our_photos_are_streamed_one_by_one_or_held():
    held = view_bench.photos(8, 32, stream=False)
    streamed = view_bench.photos(8, 32, stream=True)
    images, labels = held.examples(tf.constant([3, 1]))
    assert images.shape == (2, 32, 32, 3)
    assert labels.numpy().tolist() == [-1, -1]
    np.testing.assert_array_equal(streamed.example(3)[0], images[0])
