"""A linear SVM of one class against the others, on features of unit length."""

import functools
import logging
import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from ressl_tf.evaluate.average_precision import average_precision

log = logging.getLogger("ressl_tf")
PARTS = 3  # of the cross-validation
ITERATIONS = 2000
WEIGHTS = {1: 2, 0: 1}  # of errors on images that show the class, and on others


def scores(
    features: np.ndarray, shown: np.ndarray, queries: np.ndarray, c: float, seed: int
) -> np.ndarray:
    """Fit an SVM and return the scores of other images, [m].

    Squared hinge, L2 on weights and bias, errors on images that show the class weigh
    twice, as of Goyal et al. 2019 and PCL; LIBLINEAR solves it.

    Of images that all show the class, or all do not, nothing is learned: all are 0.

    Args:
        features: [n, f], of unit length.
        shown: bool [n], whether the image shows the class.
        queries: [m, f], alike.
        c: cost of an error.
        seed: of the solver's order.
    """
    if shown.all() or not shown.any():
        return np.zeros(len(queries))
    model = LinearSVC(
        C=c,
        class_weight=WEIGHTS,
        dual="auto",  # the same optimum; quicker where images outnumber features
        max_iter=ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, shown.astype(int))
    if np.max(model.n_iter_) >= ITERATIONS:
        _say_once(c)
    return model.decision_function(queries)


@functools.cache
def _say_once(c: float) -> None:
    log.info("with C %g some SVM has not converged after %d iterations", c, ITERATIONS)


def chosen_c(
    features: np.ndarray,
    shown: np.ndarray,
    strengths: Sequence[float],
    *,
    form: str,
    seed: int,
) -> float | None:
    """Choose the cost whose mean average precision over three held-out parts is best.

    Args:
        features: as of `scores`.
        shown: as of `scores`.
        strengths: costs to choose from.
        form: of `average_precision`.
        seed: of the parts.

    Returns:
        Of equally good ones the lowest; None where three images do not show the class,
        or all but two do.
    """
    if min(shown.sum(), (~shown).sum()) < PARTS:
        return None
    parts = StratifiedKFold(PARTS, shuffle=True, random_state=seed)
    divided = list(parts.split(features, shown))

    def quality(c: float) -> float:
        found = []
        for known, held in divided:
            guessed = scores(features[known], shown[known], features[held], c, seed)
            found.append(average_precision(guessed, shown[held], form))
        return float(np.mean(found))

    return max(sorted(set(strengths)), key=quality)
