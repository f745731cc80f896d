"""Classes in common."""

import numpy as np
import pytest

from ressl_tf.evaluate.class_overlap import answerable
from ressl_tf.runtime.errors import UsageError

NAMES = tuple("abcdefgh")


def test_what_can_be_answered(caplog):
    train, test = np.array([0, 1, 1, -1]), np.array([1, 2, -1, 0, 2])
    marked = answerable(train, test, NAMES, "set")
    assert marked.tolist() == [True, False, True, True, False]
    assert "set: 2 of 5 test images are left out" in caplog.text
    caplog.clear()
    assert answerable(train, train, NAMES, "set").all()
    assert not caplog.text


def test_nothing_in_common_is_refused_and_few_are_named():
    with pytest.raises(
        UsageError, match=r"a, b, c, d, e, \.\.\. \(6 classes\) to learn"
    ):
        answerable(np.arange(6), np.array([6, 7]), NAMES, "set")
