import numpy as np

from ressl_tf.evaluate.report.class_figures import class_figures


def test_each_labelled_image_is_classified_by_the_others():
    angles = np.array([0.0, 0.1, 0.2, 1.5, 1.6, 1.7, 0.15, 0.16])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, -1])  # the seventh lies among the others
    figures = class_figures(features, labels, ("a", "b", "none"))
    assert figures["images"] == 7
    assert figures["neighbours"] == 6
    a, b, none = figures["classes"]
    assert (a["images"], b["images"], none["images"]) == (3, 4, 0)
    assert b["accuracy"] == 0.75
    assert a["accuracy"] == 1.0
    assert figures["top1"] == 6 / 7
    assert figures["confusion"] == [[3, 0, 0], [1, 3, 0], [0, 0, 0]]
    assert b["best"][-1] == 6
    assert none["accuracy"] is None
    assert 7 not in a["best"] + b["best"]


def test_without_labels_or_with_one_class_it_says_why():
    features = np.eye(4)
    assert "label" in class_figures(features, None, None)["reason"]
    assert "label" in class_figures(features, np.full(4, -1), ("a",))["reason"]
    one = class_figures(features, np.array([0, 0, 0, -1]), ("a", "b"))
    assert "one class" in one["reason"]
