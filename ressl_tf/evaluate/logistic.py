"""Logistic regression on features by L-BFGS, with a held-out choice of the L2."""

import dataclasses
import logging
import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

log = logging.getLogger("ressl_tf")
HELD_OUT = 10  # every tenth example of each class chooses the regularisation


@dataclasses.dataclass(frozen=True)
class Logistic:
    """A linear classifier of raw features: logits = features @ kernel + bias.

    Attributes:
        kernel: float32 [f, classes].
        bias: float32 [classes].
        c: The chosen inverse strength of L2.
        accuracies: c -> top-1 on the held-out split.
    """

    kernel: np.ndarray
    bias: np.ndarray
    c: float
    accuracies: dict[float, float]


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    strengths: Sequence[float],
    *,
    seed: int = 0,
    iterations: int = 1000,
) -> Logistic:
    """Choose c on a tenth of each class, then fit all examples with it.

    Features are standardised first, so that one c suits all of them. The result takes
    raw ones.

    Args:
        features: [n, f].
        labels: [n], from 0 to `classes` - 1; a class without examples is never
            predicted.
        classes: Number of classes.
        strengths: Values of c, the inverse strength of L2, to choose from.
        seed: Seed of the split.
        iterations: Iterations of L-BFGS at most.
    """
    mean, std = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    scaled = ((features - mean) / std).astype(np.float64)
    held = _held_out(labels, seed)
    accuracies = _accuracies(scaled, labels, held, sorted(strengths), iterations)
    c = max(accuracies, key=accuracies.__getitem__)  # of equal ones the strongest L2
    if len(accuracies) > 1 and c in (min(accuracies), max(accuracies)):
        log.warning("the best c, %g, is at an end of --lbfgs_c: extend it", c)
    model = _model(c, iterations)
    _fit_quietly(model, scaled, labels)
    kernel, bias = _whole(model, features.shape[1], classes)
    kernel = kernel / std[:, None]
    bias = bias - mean @ kernel
    return Logistic(kernel.astype(np.float32), bias.astype(np.float32), c, accuracies)


def _held_out(labels, seed) -> np.ndarray:
    """Mark a random tenth of each class, bool [n]; a class of one example has none."""
    order = np.random.default_rng(seed).permutation(len(labels))
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        held[rows[: -(-len(rows) // HELD_OUT) if len(rows) > 1 else 0]] = True
    return held


def _accuracies(scaled, labels, held, strengths, iterations) -> dict[float, float]:
    if len(strengths) == 1 or not held.any():
        return {strengths[0]: float("nan")}
    model = _model(strengths[0], iterations)
    found = {}
    for c in strengths:  # the strongest L2 first; each starts at the solution before
        model.set_params(C=c)
        _fit_quietly(model, scaled[~held], labels[~held])
        found[c] = float(model.score(scaled[held], labels[held]))
        log.info("c %-8g held-out top-1 %.4f", c, found[c])
    return found


def _model(c, iterations):
    return LogisticRegression(C=c, max_iter=iterations, warm_start=True)


def _fit_quietly(model, scaled, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaled, labels)
    if model.n_iter_.max() >= model.max_iter:
        log.warning(
            "lbfgs has not converged after %d iterations with c %g; raise "
            "--lbfgs_iterations",
            model.max_iter,
            model.C,
        )


def _whole(model, inputs, classes):
    """Return kernel and bias for all classes.

    scikit-learn keeps one row for two classes, and none for classes without examples.
    """
    rows, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        rows = np.concatenate([-rows / 2, rows / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    kernel, bias = np.zeros((inputs, classes)), np.full(classes, -1e4)
    kernel[:, model.classes_] = rows.T
    bias[model.classes_] = intercepts
    return kernel, bias
