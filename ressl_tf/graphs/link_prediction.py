"""Link prediction: scores of pairs of nodes, from their embeddings."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ressl_tf.evaluate import logistic
from ressl_tf.evaluate.vectors import unit_rows

STRENGTHS = (1e-4, 1e-2, 1.0, 100.0)  # candidates for the regression's c


def auc_and_ap(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve and the average precision.

    Args:
        positive: scores of the pairs that are edges.
        negative: scores of the pairs that are not.
    """
    scores = np.concatenate([positive, negative])
    edges = np.repeat([1, 0], [len(positive), len(negative)])
    area = roc_auc_score(edges, scores)
    return float(area), float(average_precision_score(edges, scores))


def cosines(embeddings: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the cosine of the two embeddings of each pair; nothing is learned.

    Args:
        embeddings: [n, d]; one of zeros is orthogonal to all.
        pairs: int [m, 2].

    Returns:
        float [m].
    """
    unit = unit_rows(embeddings)
    return np.sum(unit[pairs[:, 0]] * unit[pairs[:, 1]], axis=1)


def hadamard_scores(
    embeddings: np.ndarray,
    training_pairs: tuple[np.ndarray, np.ndarray],
    queries: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Score pairs by logistic regression on elementwise products of two embeddings.

    Args:
        embeddings: [n, d].
        training_pairs: int [t, 2] twice: pairs that are edges and pairs that are not.
        queries: int [m, 2], the pairs to score.
        seed: chooses the tenth by which the regularisation is chosen.

    Returns:
        float [m]; a higher score says that an edge is more likely.

    Reference: Grover and Leskovec, node2vec (KDD 2016), Sec. 3.3 and 4.4.
    """
    pairs = np.concatenate(training_pairs)
    labels = np.repeat([1, 0], [len(part) for part in training_pairs])
    learned = logistic.fit(
        embeddings[pairs[:, 0]] * embeddings[pairs[:, 1]],
        labels,
        2,
        STRENGTHS,
        seed=seed,
    )
    logits = embeddings[queries[:, 0]] * embeddings[queries[:, 1]] @ learned.kernel
    return (logits + learned.bias) @ np.array([-1.0, 1.0])
