"""The axis and the curves of a sweep's picture."""

import pytest
from helpers.sweeping import swept

from ressl_tf.sweeps import sweep_curves


@pytest.mark.parametrize(
    ("values", "flag", "places"),
    [
        (
            {"method": ["ressl", "rsa"], "teacher_temp": [0.05, 0.03]},
            "teacher_temp",
            {"0.03": 0.03, "0.05": 0.05},
        ),
        ({"seed": [0, 1], "method": ["rsa", "byol"]}, "method", {"rsa": 0, "byol": 1}),
        ({"seed": [0, 4]}, "seed", {"0": 0, "4": 4}),
        (
            {"teacher_temp": [0.04], "width": [1.0, 0.5]},
            "width",
            {"0.5": 0.5, "1.0": 1},
        ),
        (
            {"decay_bias_and_norm": ["true", "false"]},
            "decay_bias_and_norm",
            {"true": 0, "false": 1},
        ),
    ],
)
def test_what_is_drawn_over(values, flag, places):
    axis = sweep_curves.axis_of(swept(**values))
    assert (axis.flag, axis.places) == (flag, places)
    assert list(axis.places) == list(places)


def test_wide_axes_are_logarithmic():
    for values, wide in (([0.01, 0.1], True), ([0.03, 0.07], False), ([0, 1], False)):
        axis = sweep_curves.axis_of(swept(learning_rate=values))
        assert axis.logarithmic is wide
