"""Average precision against derivations of its own."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from ressl_tf.evaluate.average_precision import average_precision

SHOWN = np.array([1, 0, 1, 0, 0, 1], bool)  # in the order of falling scores
SCORES = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0])


def test_precision_by_hand():
    """At recalls 1/3, 2/3, 1 the precision is 1, 2/3, 1/2; it falls already."""
    area = average_precision(SCORES, SHOWN)
    assert area == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    # Recalls 0 to .3 are reached with the first, .4 to .6 with the second.
    voc07 = average_precision(SCORES, SHOWN, "voc07")
    assert voc07 == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 * 1 / 2) / 11)


def derived(scores, shown, form):
    """Go over thresholds one by one, as the challenge describes it in words."""
    pairs = []
    for threshold in set(scores):
        taken = scores >= threshold
        pairs.append((shown[taken].sum(), shown[taken].mean()))

    def best(found):
        return max(precision for count, precision in pairs if count >= found)

    if form == "area":  # each image that is found adds a step of 1 / their number
        return np.mean([best(found + 1) for found in range(shown.sum())])
    return np.mean([best(np.ceil(k * shown.sum() / 10)) for k in range(11)])


@pytest.mark.parametrize("form", ["area", "voc07"])
@pytest.mark.parametrize("levels", [3, 1000])
def test_precision_as_the_challenge_describes_it(form, levels):
    """With many images of equal score, and with hardly any."""
    generator = np.random.default_rng(0)
    for count in (2, 10, 47):
        shown = generator.random(count) < 0.4
        shown[0] = True
        scores = generator.integers(0, levels, count) + shown
        expected = derived(scores, shown, form)
        assert average_precision(scores, shown, form) == pytest.approx(expected)


def test_the_area_is_that_under_scikit_learns_curve_made_falling():
    generator = np.random.default_rng(1)
    shown, scores = generator.random(200) < 0.1, generator.normal(size=200)
    precision, recall, _ = precision_recall_curve(shown, scores)
    falling = np.maximum.accumulate(precision)
    expected = np.sum(-np.diff(recall) * falling[:-1])
    assert average_precision(scores, shown) == pytest.approx(expected)


@pytest.mark.parametrize("form", ["area", "voc07"])
def test_ends_of_the_range(form):
    shown = np.array([0, 1, 1, 0, 0], bool)
    assert average_precision(np.where(shown, 2.0, 1.0), shown, form) == 1
    assert average_precision(np.zeros(5), shown, form) == pytest.approx(0.4)
    assert average_precision(-1.0 * shown, shown, form) == pytest.approx(0.4)
