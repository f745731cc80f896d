"""Draws of boxes and jitter for the peers."""

import draws
import numpy as np
import pytest


def test_draws_of_boxes_have_the_area_and_aspect_of_the_recipe():
    np.random.seed(0)
    boxes = np.array([draws.crop_box(100, 100) for _ in range(4000)])
    top, left, height, width = boxes.T
    assert (top >= 0).all()
    assert (top + height <= 100).all()
    assert (left >= 0).all()
    assert (left + width <= 100).all()
    # torchvision's mean share of a square image is .540.
    assert (height * width).mean() / 1e4 == pytest.approx(0.54, abs=0.015)
    assert np.log(width / height).mean() == pytest.approx(0.0, abs=0.02)


def test_draws_of_jitter_have_its_probability_order_and_range():
    np.random.seed(0)
    drawn = [draws.jitter() for _ in range(2000)]
    some = [steps for steps in drawn if steps]
    assert len(some) / 2000 == pytest.approx(0.8, abs=0.03)
    first = [steps[0][0] for steps in some]
    assert first.count("hue") / len(some) == pytest.approx(0.25, abs=0.04)
    values = {name: [dict(steps)[name] for steps in some] for name in dict(some[0])}
    assert 0.6 < min(values["contrast"]) < 0.61
    assert max(values["contrast"]) > 1.39
    assert -0.1 <= min(values["hue"]) < -0.098
    assert 0.098 < max(values["hue"]) <= 0.1
