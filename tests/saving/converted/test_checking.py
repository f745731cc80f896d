"""How far an exported file is from its model."""

import types

import numpy as np
import pytest

from ressl_tf.saving.converted import checking

WANTED = {
    "features": np.array([[3.0, 4.0], [0.0, 0.0]], np.float32),
    "C3": np.full((2, 1, 1, 1), 0.5, np.float32),
}


def figures(found, batches=1):
    source = types.SimpleNamespace(function=lambda images: WANTED)
    return checking.compare(source, lambda images: found, [None] * batches)


def test_the_same_numbers_differ_by_nothing():
    assert figures(WANTED, 2) == {
        "largest_difference": 0.0,
        "cosine": 1.0,
        "lowest_cosine": 1.0,
    }


def test_differences_are_parts_of_the_largest_number_or_of_one():
    turned = {**WANTED, "features": np.array([[4.0, 3.0], [0.0, 0.0]], np.float32)}
    found = figures(turned)
    assert found["largest_difference"] == pytest.approx(1 / 4)
    assert found["lowest_cosine"] == pytest.approx(24 / 25)
    assert found["cosine"] == pytest.approx(49 / 50)
    small = {**WANTED, "C3": np.full((2, 1, 1, 1), 0.6, np.float32)}
    assert figures(small)["largest_difference"] == pytest.approx(0.1)


def test_each_precision_has_its_bound():
    far = {"largest_difference": 3e-2, "cosine": 0.97}
    near = {"largest_difference": 1e-3, "cosine": 0.981}
    for name in ("float32", "float16", "int8"):
        assert checking.complaint(far, name)
    assert "differs from TensorFlow by 0.001" in checking.complaint(near, "float32")
    assert checking.complaint(near, "float16") == ""
    assert checking.complaint(near, "int8") == ""
    assert "0.9700 with float features" in checking.complaint(far, "int8")


def test_what_is_no_number_is_never_right():
    found = figures({**WANTED, "features": np.full((2, 2), np.nan, np.float32)})
    assert all(checking.complaint(found, name) for name in (*checking.BOUNDS, "int8"))


def test_the_median_time_of_one_image_is_in_milliseconds(monkeypatch):
    clock = iter(np.cumsum([0, 0.004] * (checking.WARM_UP + checking.TIMED)))
    monkeypatch.setattr(checking.time, "perf_counter", lambda: next(clock))
    assert checking.latency(lambda image: {}, None) == pytest.approx(4)
