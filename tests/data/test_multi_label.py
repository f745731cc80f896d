"""Classes of images as states."""

import numpy as np

from ressl_tf.data.multi_label import one_hot, several_hot


def test_one_class_an_image_is_shown_and_no_label_counts_nowhere():
    labels = one_hot(np.array([1, -1, 0]), ("a", "b"))
    assert labels.states.tolist() == [[0, 1], [-1, -1], [1, 0]]
    assert labels.names == ("a", "b")
    assert labels.take(np.array([2, 0])).states.tolist() == [[1, 0], [0, 1]]
    assert one_hot(np.array([-1, -1]), None) is None


def test_an_image_may_show_several_classes_or_none():
    labels = several_hot([["b", "a"], [], ["c"]], ("a", "b", "c"))
    assert labels.states.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
