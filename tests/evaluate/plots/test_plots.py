"""Pictures: that they show what they say."""

import numpy as np
import pytest
import tensorflow as tf
from helpers.figures import features, legend
from matplotlib.colors import to_hex

from ressl_tf.evaluate import plots


def shown(axis):
    """Return the grey level of the one picture in an axis."""
    (picture,) = axis.get_images()
    return round(float(np.asarray(picture.get_array())[0, 0, 0]) * 255)


def flat(levels):
    """Return pictures [n, 2, 2, 3] of one grey level each."""
    return np.broadcast_to(
        np.array(levels)[:, None, None, None], (len(levels), 2, 2, 3)
    )


def test_rows_have_names_and_at_most_so_many_pictures():
    rows = {"weak": flat([10, 20, 30]), "strong": flat([40, 50, 60, 70])}
    axes = plots.image_rows(rows, columns=5).axes
    assert [shown(axis) for axis in axes] == [10, 20, 30, 40, 50, 60]
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["weak", "strong"]


def test_values_beyond_the_range_are_clipped():
    (axis,) = plots.image_rows({"": flat([300])}).axes
    assert shown(axis) == 255


def test_neighbours_are_sorted_by_cosine_and_framed_by_class():
    """Features on a circle at 0, 100, 10 and 30 degrees, of different lengths."""
    angles = np.deg2rad([0, 100, 10, 30])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    features *= np.array([[1], [9], [2], [0.5]])
    figure = plots.neighbours(
        flat([0, 100, 10, 30]), features, np.array([1, 1, 0, 1]), queries=2, count=3
    )
    rows = np.array([shown(axis) for axis in figure.axes]).reshape(2, 4)
    assert rows.tolist() == [[0, 10, 30, 100], [30, 10, 0, 100]]
    frames = [to_hex(axis.spines["top"].get_edgecolor()) for axis in figure.axes[:4]]
    green, red = "#2a9d3a", "#d03030"
    assert frames[1:] == [red, green, green]
    assert not figure.axes[0].spines["top"].get_visible()


def test_curves_draw_the_rows_that_have_a_value():
    rows = [
        {"epoch": 0, "knn_top1": 0.2},
        {"epoch": 1, "loss": 5.0},
        {"epoch": 2, "loss": 4.0, "knn_top1": 0.5},
    ]
    loss, knn = plots.curves(rows).axes
    assert loss.lines[0].get_xydata().tolist() == [[1, 5], [2, 4]]
    assert knn.lines[0].get_xydata().tolist() == [[0, 0.2], [2, 0.5]]


def test_shares_and_speeds_are_drawn_from_zero():
    rows = [
        {"epoch": 1, "loss": 5.0, "images_per_second": 50, "input_wait": 0.02},
        {"epoch": 2, "loss": 4.0, "images_per_second": 51, "input_wait": 0.01},
    ]
    loss, speed, wait = plots.curves(rows).axes
    assert [axis.get_ylim()[0] for axis in (speed, wait)] == [0, 0]
    assert loss.get_ylim()[0] > 3


@pytest.mark.parametrize("dpi", [40, 80])
def test_a_saved_figure_is_a_png_of_its_size(tmp_path, dpi):
    figure = plots.image_rows({"weak": flat([10, 20])}, side=1.0)
    plots.save(figure, tmp_path / "sheet.png", dpi=dpi)
    picture = tf.io.decode_png((tmp_path / "sheet.png").read_bytes())
    assert picture.shape[0] == dpi
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_figure_is_an_svg_where_its_name_says_so(tmp_path):
    figure = plots.image_rows({"weak": flat([10, 20])}, side=1.0)
    plots.save(figure, tmp_path / "sheet.svg")
    assert "<svg" in (tmp_path / "sheet.svg").read_text()[:500]


def test_curves_show_the_untrained_accuracy_beside_the_others():
    rows = [{"epoch": 0, "step": 0, "knn_top1": 0.2}]
    rows += [{"epoch": 1, "step": 9, "knn_top1": 0.5, "loss": 3.0}]
    axes = {axis.get_title(): axis for axis in plots.curves(rows).axes}
    _, floor = axes["kNN top-1"].get_lines()
    assert (floor.get_label(), list(floor.get_ydata())) == ("untrained", [0.2, 0.2])
    assert len(plots.curves(rows[1:]).axes[1].get_lines()) == 1


def test_the_gallery_names_the_querys_class_and_explains_its_frames(images):
    labels = np.array([0, 1] * 5 + [-1, -1])
    figure = plots.neighbours(
        images, features(12), labels, label_names=["cat", "dog"], queries=12, count=2
    )
    rows = np.array(figure.axes).reshape(12, 3)
    names = [axis.get_ylabel() for axis in rows[:, 0]]
    assert names == ["cat", "dog"] * 5 + ["", ""]
    framed = [row[1].spines["top"].get_visible() for row in rows]
    assert framed == [True] * 10 + [False] * 2
    assert legend(figure) == ["of the query's class", "of another class"]


def test_a_gallery_of_few_images_has_no_empty_places(images):
    figure = plots.neighbours(images[:3], features(3))
    assert len(figure.axes) == 3 * 3
    assert all(axis.get_images() for axis in figure.axes)
    assert legend(figure) == []


def test_names_stand_below_their_images():
    names = ["0.png", "100.png", "10.png"]
    features = np.stack([np.cos([0, 1.5, 0.2]), np.sin([0, 1.5, 0.2])], axis=1)
    figure = plots.neighbours(flat([0, 100, 10]), features, image_names=names)
    for axis in figure.axes:
        assert axis.get_xlabel() == f"{shown(axis)}.png"


ROWS = [
    {"epoch": 0, "step": 0, "knn_top1": 0.2},
    {"epoch": 1, "step": 5, "loss": 5.0, "teacher_entropy": 3.0, "top1_new": 0.5},
    {"epoch": 2, "step": 10, "loss": 4.0, "student_entropy": 2.0, "knn_top1": 0.4},
]


def test_curves_are_the_log_and_the_levels_to_compare_with():
    figure = plots.curves(ROWS, {"teacher_entropy": (3.4, "uniform")})
    axes = {axis.get_title(): axis for axis in figure.axes}
    relations = axes["entropy of relations (nats)"]
    assert list(axes) == ["loss (nats)", "kNN top-1", relations.get_title(), "top1 new"]
    assert axes["kNN top-1"].lines[0].get_xydata().tolist() == [[0, 0.2], [2, 0.4]]
    assert axes["top1 new"].lines[0].get_xydata().tolist() == [[1, 0.5]]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in relations.lines}
    assert drawn == {
        "teacher": [[1, 3.0]],
        "student": [[2, 2.0]],
        "uniform": [[0, 3.4], [1, 3.4], [2, 3.4]],
    }
    assert relations.get_legend() is not None
    assert axes["loss (nats)"].get_legend() is None
