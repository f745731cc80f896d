"""Boxes of crops are distributed as torchvision's."""

import math

import numpy as np
import pytest
from helpers import numpy_views as reference
from helpers.augmenting import assert_uniform
from scipy import stats

from ressl_tf.data.augment import crop


@pytest.mark.parametrize(
    ("height", "width", "scale"),
    [(32, 32, (0.2, 1.0)), (375, 500, (0.08, 1.0)), (200, 900, (0.2, 1.0))],
)
def test_crop_boxes_are_distributed_as_torchvisions(height, width, scale):
    ratio = (3 / 4, 4 / 3)
    count = 4000
    ours = crop.boxes(crop.sample((3, 4), count), height, width, scale, ratio).numpy()
    ours = ours.astype(np.float64)  # so that equal ratios stay equal
    rng = np.random.default_rng(0)
    truth, gave_up = zip(
        *(reference.sample_box(rng, height, width, scale, ratio) for _ in range(count)),
        strict=True,
    )
    truth = np.array(truth, np.float64)
    for measure in (
        lambda box: box[:, 2] * box[:, 3],  # area
        lambda box: box[:, 3] / box[:, 2],  # aspect
        lambda box: box[:, 0],
        lambda box: box[:, 1],
        lambda box: box[:, 0] + box[:, 2],
        lambda box: box[:, 1] + box[:, 3],
    ):
        # 18 comparisons in all: .01 for the whole family
        assert stats.ks_2samp(measure(ours), measure(truth)).pvalue > 0.01 / 18
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, 0] + ours[:, 2] <= height).all()
    assert (ours[:, 1] + ours[:, 3] <= width).all()
    assert any(gave_up) == (width == 900)  # the long photo needs the fallback at times


def test_a_hopeless_photo_gets_the_central_box():
    boxes = crop.boxes(crop.sample((1, 2), 3), 10, 1000, (0.5, 1.0), (3 / 4, 4 / 3))
    np.testing.assert_array_equal(boxes, [[0, 493, 10, 13]] * 3)
    boxes = crop.boxes(crop.sample((1, 2), 3), 1000, 10, (0.5, 1.0), (3 / 4, 4 / 3))
    np.testing.assert_array_equal(boxes, [[493, 0, 13, 10]] * 3)


def test_area_is_uniform_and_aspect_log_uniform_where_every_box_fits():
    draws = crop.sample((5, 6), 4000)
    boxes = crop.boxes(draws, 4000, 4000, (0.1, 0.5), (3 / 4, 4 / 3))
    top, left, height, width = boxes.numpy().T
    assert_uniform(height * width / 16e6, 0.1, 0.5)
    assert_uniform(np.log(width / height), -math.log(4 / 3), math.log(4 / 3))
    assert_uniform((top + 0.5) / (4000 - height + 1))
    assert_uniform((left + 0.5) / (4000 - width + 1))
    assert abs(np.corrcoef(height * width, width / height)[0, 1]) < 0.05
