"""The SVM of one class."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ressl_tf.evaluate import linear_svm
from ressl_tf.evaluate.average_precision import average_precision
from ressl_tf.evaluate.vectors import unit_rows


def examples(count, noise, seed=0):
    generator = np.random.default_rng(seed)
    shown = generator.random(count) < 0.3
    centres = np.where(shown[:, None], 1.0, -0.2)
    features = centres + noise * generator.normal(size=(count, 4))
    return unit_rows(features), shown


@pytest.mark.parametrize("count", [3, 60], ids=["few", "more than features"])
@pytest.mark.parametrize("c", [0.5, 10.0])
def test_scores_are_those_of_the_smallest_loss(count, c):
    """|w|^2 / 2 + b^2 / 2 + C sum of weight * hinge^2, by another solver."""
    features, shown = examples(count, 1.0, seed=3)
    shown[:2] = True, False
    queries, _ = examples(10, 1.0, seed=1)

    def loss(solution):
        margins = np.where(shown, 1, -1) * (features @ solution[:4] + solution[4])
        hinge = np.maximum(0, 1 - margins) ** 2
        return solution @ solution / 2 + c * np.sum(np.where(shown, 2, 1) * hinge)

    best = minimize(loss, np.zeros(5), tol=1e-12).x
    expected = queries @ best[:4] + best[4]
    found = linear_svm.scores(features, shown, queries, c, seed=0)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_cost_is_the_one_that_is_best_on_held_out_parts():
    features, shown = examples(90, 2.0)
    costs = (10.0, 1e-3, 0.1)
    chosen = linear_svm.chosen_c(features, shown, costs, form="area", seed=0)
    parts = linear_svm.StratifiedKFold(3, shuffle=True, random_state=0)
    quality = {}
    for c in costs:
        quality[c] = sum(
            average_precision(
                linear_svm.scores(
                    features[known], shown[known], features[held], c, seed=0
                ),
                shown[held],
            )
            for known, held in parts.split(features, shown)
        )
    assert len(set(quality.values())) > 1
    assert chosen == max(quality, key=quality.get)


def test_too_few_images_choose_no_cost_and_one_kind_teaches_nothing():
    features, _ = examples(20, 1.0)
    few = np.arange(20) < 2
    assert linear_svm.chosen_c(features, few, (1.0,), form="area", seed=0) is None
    assert linear_svm.chosen_c(features, ~few, (1.0,), form="area", seed=0) is None
    for kind in (np.ones(20, bool), np.zeros(20, bool)):
        assert not linear_svm.scores(features, kind, features, 1.0, seed=0).any()
