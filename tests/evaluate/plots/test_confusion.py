"""The picture of a confusion matrix."""

import numpy as np

from ressl_tf.evaluate.plots import confusion
from ressl_tf.evaluate.plots.figure import save


def test_the_picture_shows_shares_of_each_class():
    figure = confusion.confusion_matrix([[3, 1], [0, 0]], ["cat", "dog"], "kNN")
    axis = figure.axes[0]
    shown = axis.images[0].get_array()
    np.testing.assert_allclose(shown, [[75, 25], [0, 0]])
    assert [text.get_text() for text in axis.texts] == ["75", "25", "0", "0"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cat", "dog"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")


def test_many_classes_are_not_named():
    figure = confusion.confusion_matrix(np.eye(50), [str(i) for i in range(50)])
    assert not figure.axes[0].texts


def test_names_of_any_bytes_are_drawn(tmp_path):
    names = ["caf\udce9", "a$b$c_{", "two\nlines"]
    figure = confusion.confusion_matrix(np.eye(3), names, "kNN on x\udce9$")
    save(figure, tmp_path / "confusion.png")
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == [r"caf\xe9", r"a\$b\$c_{", r"two\nlines"]
