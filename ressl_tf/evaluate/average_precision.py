"""Average precision of the scores of a class, in the two forms of the VOC challenge."""

import numpy as np


def average_precision(
    scores: np.ndarray, shown: np.ndarray, form: str = "area"
) -> float:
    """Return the average precision of images in the order of their scores.

    Images of equal score are found together: their order says nothing.

    Args:
        scores: [m], the highest first.
        shown: bool [m], whether the image shows the class; one does at least.
        form: "area" under the precision that is made falling over recall, as of VOC
            2010; "voc07", the mean of that at the recalls 0, .1, ..., 1.

    Reference: Everingham et al., The PASCAL Visual Object Classes Challenge (IJCV
    2010), Sec. 4.2; the development kit of 2010 for the area.
    """
    found, taken = _counts(np.asarray(scores), np.asarray(shown, bool))
    # The best precision at this recall or a higher one.
    precision = np.maximum.accumulate((found / taken)[::-1])[::-1]
    if form == "area":
        return float(np.sum(np.diff(found, prepend=0) * precision) / found[-1])
    # In whole numbers: 3 of 10 must reach the recall .3.
    reached = [np.flatnonzero(10 * found >= tenth * found[-1]) for tenth in range(11)]
    return float(np.mean([precision[places[0]] for places in reached]))


def _counts(scores: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count what is found and what is taken down to each score, the highest first."""
    order = np.argsort(-scores, kind="stable")
    last_of_equal = np.append(np.diff(scores[order]) != 0, True)
    taken = np.arange(1, len(scores) + 1)
    return np.cumsum(shown[order])[last_of_equal], taken[last_of_equal]
