"""Link prediction: do the embeddings of two nodes say whether an edge joins them?"""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ressl_tf.evaluate import logistic
from ressl_tf.evaluate.vectors import unit_rows

STRENGTHS = (1e-4, 1e-2, 1.0, 100.0)  # of which the regression chooses its c


def auc_and_ap(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve, and average precision.

    Args:
        positive: scores of the pairs that are edges.
        negative: scores of the pairs that are not.
    """
    scores = np.concatenate([positive, negative])
    edges = np.repeat([1, 0], [len(positive), len(negative)])
    area = roc_auc_score(edges, scores)
    return float(area), float(average_precision_score(edges, scores))


def cosines(embeddings: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The cosine of the two embeddings of each pair; nothing is learned.

    Args:
        embeddings: [n, d]; one of zeros is orthogonal to all.
        pairs: int [m, 2].
    """
    unit = unit_rows(embeddings)
    return np.sum(unit[pairs[:, 0]] * unit[pairs[:, 1]], axis=1)


def hadamard_scores(
    embeddings: np.ndarray,
    known: tuple[np.ndarray, np.ndarray],
    asked: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Logistic regression on the products, entry by entry, of two embeddings.

    Args:
        embeddings: [n, d].
        known: pairs that are edges and pairs that are not, to learn from.
        asked: int [m, 2], the pairs to score.
        seed: of the tenth that chooses the regularisation.

    Returns:
        float [m], higher for what looks more like an edge.

    Reference: Grover and Leskovec, node2vec (KDD 2016), Sec. 3.3 and 4.4.
    """
    pairs = np.concatenate(known)
    labels = np.repeat([1, 0], [len(part) for part in known])
    learned = logistic.fit(
        embeddings[pairs[:, 0]] * embeddings[pairs[:, 1]],
        labels,
        2,
        STRENGTHS,
        seed=seed,
    )
    logits = embeddings[asked[:, 0]] * embeddings[asked[:, 1]] @ learned.kernel
    return (logits + learned.bias) @ np.array([-1.0, 1.0])
