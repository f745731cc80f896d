"""kNN against a loop in NumPy."""

import numpy as np
import pytest

from ressl_tf.evaluate import knn


def reference(bank, labels, queries, k, temperature):
    bank = bank / np.linalg.norm(bank, axis=1, keepdims=True)
    predicted = []
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        similarity = bank @ query
        votes = np.zeros(labels.max() + 1)
        for index in np.argsort(-similarity)[:k]:
            votes[labels[index]] += np.exp(similarity[index] / temperature)
        predicted.append(votes.argmax())
    return np.array(predicted)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.1), (20, 0.1), (200, 0.5)])
@pytest.mark.parametrize("block", [7, 1000])
def test_predictions_equal_a_loop(k, temperature, block):
    generator = np.random.default_rng(0)
    bank, queries = generator.normal(size=(300, 5)), generator.normal(size=(50, 5))
    labels = generator.integers(0, 4, 300)
    predicted = knn.predict(
        bank, labels, queries, k=k, temperature=temperature, block=block
    )
    expected = reference(bank, labels, queries, k, temperature)
    np.testing.assert_array_equal(predicted, expected)
    assert len(set(predicted)) > 1


def test_weights_can_outvote_a_majority():
    """One neighbour at similarity 1 against two at 0.5: e^10 > 2 e^5."""
    bank = np.array([[1.0, 0.0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)]])
    labels, query = np.array([0, 1, 1]), np.array([[1.0, 0.0]])
    assert knn.predict(bank, labels, query, k=3, temperature=0.1) == [0]
    assert knn.predict(bank, labels, query, k=3, temperature=10.0) == [1]


def test_k_beyond_the_bank_takes_all_of_it():
    bank = np.eye(3)
    assert list(knn.predict(bank, np.arange(3), bank, k=200)) == [0, 1, 2]


def test_accuracy_leaves_out_what_has_no_label():
    bank = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    labels = np.array([0, 1, -1])
    queries = np.array([[1.0, 0.1], [0.1, 1.0], [1.0, 0.2], [0.0, 1.0]])
    asked = np.array([0, 1, -1, 0])
    accuracy = knn.accuracy(bank, labels, queries, asked, k=1)
    assert accuracy == pytest.approx(2 / 3)
