"""The picture of a sweep."""

import math

import pytest
from helpers.sweeping import swept

from ressl_tf.evaluate import plots
from ressl_tf.sweeps import sweep_curves, sweep_figure


def line(panel, colour, marker):
    found = [
        a
        for a in panel.get_lines()
        if a.get_color() == colour and a.get_marker() == marker
    ]
    return found[0].get_xydata().tolist()


def test_the_picture_by_hand():
    rows = swept(teacher_temp=[0.03, 0.04], method=["ressl", "rsa"], seed=[0, 1])
    rows[3].update(status="collapsed", embedding_spread=0.05)
    for failed in rows[6:]:
        failed.update(status="failed", knn_top1=None, embedding_spread=None, error="x")
    figure = sweep_figure.draw(rows, "shapes")
    above, below = figure.axes
    first, second = line(above, sweep_figure.COLOURS[0], "o")
    assert first == pytest.approx([0.03, 30.5])
    assert second == pytest.approx([0.04, 34.5])
    first, second = line(above, sweep_figure.COLOURS[1], "s")
    assert first == pytest.approx([0.03, 32.5])
    assert math.isnan(second[1])
    assert line(below, sweep_figure.COLOURS[1], "s")[0] == pytest.approx([0.03, 0.475])
    assert line(above, plots.RED, "o") == [[0.03, pytest.approx(33)]]
    assert line(below, plots.RED, "o") == [[0.03, 0.05]]
    dashed = [a for a in above.get_lines() if a.get_linestyle() == "--"]
    assert [a.get_ydata() for a in dashed] == [pytest.approx([20, 20])]
    assert [(a.xy, a.get_color()) for a in above.texts] == [
        ((0.04, 0), sweep_figure.COLOURS[1])
    ]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "ressl",
        "rsa",
        "untrained",
        "collapsed",
        "failed",
    ]
    assert below.get_xlabel() == "teacher_temp"
    figure.draw_without_rendering()
    words = {text.get_text(): text.get_window_extent().x0 for text in below.texts}
    frame = below.get_window_extent().x1
    assert min(words["uniform"], words["collapsed"]) > frame  # no curve hides them
    assert [t.get_text() for t in below.get_xticklabels()] == ["0.03", "0.04"]


def test_networks_that_begin_unlike_have_a_floor_each():
    rows = swept(teacher_temp=[0.03, 0.04], width=[0.25, 0.5])
    for each in rows:
        each["knn_top1_untrained"] = each["flags"]["width"]
    drawn = sweep_curves.curves_of(rows, sweep_curves.axis_of(rows))
    assert sweep_curves.untrained(drawn) == {"0.25": [0.25, 0.25], "0.5": [0.5, 0.5]}
    figure = sweep_figure.draw(rows)
    dashed = [a for a in figure.axes[0].get_lines() if a.get_linestyle() == "--"]
    assert [a.get_color() for a in dashed] == list(sweep_figure.COLOURS[:2])


def test_without_labels_there_is_the_spread_alone():
    rows = swept(method=["ressl", "rsa"])
    for each in rows:
        each.update(knn_top1=None, knn_top1_untrained=None)
    (panel,) = sweep_figure.draw(rows).axes
    assert line(panel, sweep_figure.COLOURS[0], "o") == [[0, 0.9], [1, 0.9]]
