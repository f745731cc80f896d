"""The picture of the scaling benchmark."""

import numpy as np
import pytest
from helpers.benchmarking import POINT

from ressl_tf.benchmarks import scaling_figure


@pytest.mark.slow
def test_the_picture_has_a_panel_a_quantity_on_one_scale():
    slower = {**POINT, "milliseconds": 800.0, "floor_milliseconds": 300.0}
    two = {"16": POINT, "32": slower}
    line = {"batch_size": two, "queue_size": {"1024": POINT, "4096": POINT}}
    batch, queue, *others = scaling_figure.draw(line, "of what").axes
    lower_bound, curve = batch.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[16, 200], [32, 800]])
    np.testing.assert_array_equal(lower_bound.get_xydata(), [[16, 100], [32, 300]])
    assert (curve.get_linestyle(), lower_bound.get_linestyle()) == ("-", "--")
    band = batch.collections[0].get_paths()[0].vertices
    assert {(16, 180), (16, 220), (32, 720), (32, 880)} <= {
        (round(x), round(y)) for x, y in band
    }
    assert (batch.get_xscale(), batch.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in queue.get_xticklabels()] == ["1,024", "4,096"]
    assert batch.get_ylim() == queue.get_ylim()
    assert not any(cell.axison for cell in others)
