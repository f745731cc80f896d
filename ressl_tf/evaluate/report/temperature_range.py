"""Which temperatures let a teacher tell images apart without naming one alone.

The effective number of relations is exp of their entropy: 1 where the teacher names one
image, all of them where it is uniform. A rule of thumb: at a temperature that suits,
between 0.5 % and 5 % of the references count for the median image, and it is at most
half of the student's, so that there is something to sharpen. The rule is this package's
own and no paper's; docs/report.md says what it was tried on.
"""

import numpy as np

LOW, HIGH = 0.005, 0.05  # of the references
SPREAD = 0.25  # of 1/sqrt(d), the std of embeddings that are evenly spread
OF_STUDENT = 0.5  # the paper: 0.04 of 0.1
LOWEST, HIGHEST = 1e-3, 1.0
MOST = 400  # images that the median is taken over


def effective_numbers(similarities: np.ndarray, temperature: float) -> np.ndarray:
    """Return exp of the entropy of softmax(similarities / temperature), [m].

    Args:
        similarities: [m, K]; minus infinity leaves a reference out.
        temperature: above 0.
    """
    scaled = similarities / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    weights = np.exp(scaled)
    total = weights.sum(axis=1)
    products = np.where(weights > 0, weights * np.where(weights > 0, scaled, 0.0), 0.0)
    return np.exp(np.log(total) - products.sum(axis=1) / total)


def suitable(
    teacher: np.ndarray, references: np.ndarray, student_temp: float
) -> tuple[float, float] | None:
    """Return the lowest and the highest temperature that suit.

    Args:
        teacher: unit embeddings of all images, [n, d].
        references: rows of those that images are related to.
        student_temp: of the run.

    Returns:
        None where there is none: too few images, or embeddings that have hardly spread,
        as at the beginning of a run and in a collapse.
    """
    spread = teacher.std(axis=0).mean() * np.sqrt(teacher.shape[1])
    if len(references) < 20 or spread < SPREAD:
        return None
    rows = np.unique(np.linspace(0, len(teacher) - 1, MOST).astype(int))
    similarities = teacher[rows].astype(np.float64) @ teacher[references].T
    similarities[rows[:, None] == references[None]] = -np.inf  # not to itself
    count = len(references) - 1
    low = _temperature(similarities, max(2.0, LOW * count))
    high = _temperature(similarities, max(2.0, HIGH * count))
    high = min(high, OF_STUDENT * student_temp)
    return (low, high) if 1.01 * LOWEST < low < high < HIGHEST else None


def _temperature(similarities: np.ndarray, wanted: float) -> float:
    """Bisect for the temperature at which the median effective number is `wanted`."""
    low, high = LOWEST, HIGHEST
    for _ in range(20):
        middle = float(np.sqrt(low * high))
        if np.median(effective_numbers(similarities, middle)) < wanted:
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))
