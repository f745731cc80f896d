"""A few images that cover a set: what to label first."""

import numpy as np

from ressl_tf.evaluate.vectors import unit_rows

BLOCK = 65536  # rows at a time
HELD = 4 * 2**30  # bytes of features, as float32, that are held in memory


def covering_rows(features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows by greedy k-centre: each is the one least like those before it.

    The first is the one nearest to the mean. The largest distance of any row to the
    chosen ones is at most twice that of the best choice of as many (Gonzalez 1985).

    Args:
        features: [n, f], scaled to unit length; may be mapped from the disk.
        count: number of rows to choose; all where there are fewer.

    Returns:
        Rows int64 [count], in the order of choice, and float32 [count]: after each
        choice, the similarity of the row that is least covered to the nearest chosen.

    Reference: Sener and Savarese, Active Learning for Convolutional Neural Networks: A
    Core-Set Approach (ICLR 2018), Alg. 1.
    """
    if 4 * features.size <= HELD:
        features = unit_rows(np.asarray(features, np.float32))
    nearest = np.full(len(features), -np.inf, np.float32)
    chosen = [int(_similarities(features, _mean(features)).argmax())]
    covered = []
    for _ in range(min(count, len(features))):
        similarities = _similarities(features, features[chosen[-1]])
        nearest = np.maximum(nearest, similarities)
        nearest[chosen[-1]] = np.inf
        covered.append(min(float(nearest.min()), 1.0))
        chosen.append(int(nearest.argmin()))
    return np.array(chosen[:-1]), np.array(covered, np.float32)


def _similarities(features: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the cosine of each row and a vector, float32 [n]."""
    unit = unit_rows(np.asarray(vector, np.float32)[None])[0]
    return np.concatenate([rows @ unit for rows in _blocks(features)])


def _mean(features: np.ndarray) -> np.ndarray:
    total = sum(rows.sum(axis=0, dtype=np.float64) for rows in _blocks(features))
    return np.asarray(total, np.float32)


def _blocks(features: np.ndarray):
    """Yield rows of unit length, block by block."""
    for start in range(0, len(features), BLOCK):
        rows = features[start : start + BLOCK]
        yield unit_rows(np.asarray(rows, np.float32))
