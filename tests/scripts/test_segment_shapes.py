"""The script that fine-tunes a segmentation head, in a small form."""

import pathlib
import runpy

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "segment_shapes.py"))


class Answers:
    """Stand in for a segmenter whose answers are given."""

    def __init__(self, found, classes):
        self.logits = np.eye(classes)[found]

    def predict(self, images, **_):
        return self.logits


def test_mean_iou_by_hand():
    truth = np.array([[[0, 0], [1, 2]], [[0, 1], [1, 2]]])
    found = np.array([[[0, 1], [1, 2]], [[0, 1], [0, 2]]])
    # 0: 2 of 3 + 1; 1: 2 of 3 + 1; 2: both.
    model = Answers(found, 3)
    assert SCRIPT["mean_iou"](model, None, truth, 3) == pytest.approx(
        (0.5 + 0.5 + 1) / 3
    )


def test_a_pixel_has_the_class_of_its_shape():
    images, truth = SCRIPT["pictures"](range(12))
    assert (images.shape, truth.shape) == ((12, 32, 32, 3), (12, 32, 32))
    for number, pixels in enumerate(truth):
        assert np.unique(pixels).tolist() == [0, 1 + number % 10]


@pytest.mark.slow
def test_both_starts_learn(unbroken):
    """The maps of a run and random ones differ; a head fits ten pictures with both."""
    folder, classes = str(unbroken[1]), 11
    labelled = SCRIPT["pictures"](range(10))
    first = []
    for pretrained in (True, False):
        pyramid = SCRIPT["start"](folder, 0, pretrained)
        first.append(pyramid.get_weights()[0])
        background = np.zeros_like(labelled[1])
        floor = SCRIPT["mean_iou"](Answers(background, classes), *labelled, classes)
        model = SCRIPT["fine_tune"](pyramid, labelled, 0.01, 60, 0)
        assert model.output_shape == (None, 32, 32, classes)
        assert SCRIPT["mean_iou"](model, *labelled, classes) > 1.5 * floor
    assert not np.allclose(*first)
