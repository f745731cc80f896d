"""Colours and legends of scatter plots."""

import numpy as np
from helpers.figures import described, features, legend

from ressl_tf.evaluate.plots.scatter import COLOURS, GREY, scatter


def test_every_class_has_its_colour_and_its_name_in_the_legend():
    points, labels = features(30, 2), np.arange(30) % 3
    figure = scatter(points, labels, ["cat", "dog", "emu"], axes=("a", "b"))
    groups = described(figure)
    assert legend(figure) == ["cat", "dog", "emu"]
    assert [colour for colour, _ in groups.values()] == list(COLOURS[:3])
    for label, (_, offsets) in enumerate(groups.values()):
        np.testing.assert_array_equal(offsets, points[labels == label])
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("a", "b")


def test_of_many_classes_the_largest_have_colours_and_the_others_are_grey():
    """Class c of 23 has c + 1 images, so that 3 to 22 are the largest."""
    labels = np.repeat(np.arange(23), np.arange(1, 24))
    names = [f"class {c}" for c in range(23)]
    groups = described(scatter(features(len(labels), 2), labels, names))
    assert list(groups) == [*names[3:], "3 other classes"]
    assert len({colour for colour, _ in groups.values()}) == 21
    colour, points = groups["3 other classes"]
    assert (colour, len(points)) == (GREY, 1 + 2 + 3)


def test_images_of_no_class_are_grey_and_below_the_others():
    figure = scatter(features(4, 2), np.array([0, -1, 1, 0]), ["cat", "dog"])
    colour, points = described(figure)["no class"]
    assert (colour, len(points)) == (GREY, 1)
    heights = {c.get_label(): c.get_zorder() for c in figure.axes[0].collections}
    assert heights["no class"] < min(heights["cat"], heights["dog"])


def test_without_labels_there_is_one_colour_and_no_legend():
    figure = scatter(features(9, 2))
    ((colour, points),) = described(figure).values()
    assert (colour, len(points), figure.legends) == (COLOURS[0], 9, [])


def test_the_colours_differ():
    assert len({*COLOURS, GREY}) == 21
