"""kNN against a loop in NumPy."""

import numpy as np
import pytest

from ressl_tf.evaluate import nearest_neighbors


def predict(bank, labels, queries, k=200, temperature=0.1, block=1024):
    similarities, indices = nearest_neighbors.neighbours(bank, queries, k, block)
    votes = nearest_neighbors.votes(
        similarities, labels[indices], labels.max() + 1, temperature
    )
    return votes.argmax(axis=1)


def reference(bank, labels, queries, k, temperature):
    bank = bank / np.linalg.norm(bank, axis=1, keepdims=True)
    rows = []
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        similarity = bank @ query
        votes = np.zeros(labels.max() + 1)
        for index in np.argsort(-similarity)[:k]:
            votes[labels[index]] += np.exp(similarity[index] / temperature)
        rows.append(votes)
    return np.array(rows)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.1), (20, 0.1), (200, 0.5)])
@pytest.mark.parametrize("block", [7, 1000])
def test_votes_equal_a_loop(k, temperature, block):
    generator = np.random.default_rng(0)
    bank, queries = generator.normal(size=(300, 5)), generator.normal(size=(50, 5))
    labels = generator.integers(0, 4, 300)
    similarities, indices = nearest_neighbors.neighbours(bank, queries, k, block)
    votes = nearest_neighbors.votes(similarities, labels[indices], 4, temperature)
    expected = reference(bank, labels, queries, k, temperature)
    shares = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        votes / votes.sum(axis=1, keepdims=True), shares, atol=1e-5
    )
    assert len(set(votes.argmax(axis=1))) > 1


def test_neighbours_come_with_the_most_similar_first():
    generator = np.random.default_rng(0)
    bank, queries = generator.normal(size=(30, 5)), generator.normal(size=(4, 5))
    similarities, indices = nearest_neighbors.neighbours(bank, queries, 10)
    assert np.all(np.diff(similarities) <= 0)
    unit = bank / np.linalg.norm(bank, axis=1, keepdims=True)
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    for row in range(4):
        np.testing.assert_allclose(
            similarities[row], unit[indices[row]] @ asked[row], atol=1e-6
        )


def test_weights_can_outvote_a_majority():
    """One neighbour at similarity 1 against two at 0.5: e^10 > 2 e^5."""
    bank = np.array([[1.0, 0.0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)]])
    labels, query = np.array([0, 1, 1]), np.array([[1.0, 0.0]])
    assert predict(bank, labels, query, k=3, temperature=0.1) == [0]
    assert predict(bank, labels, query, k=3, temperature=10.0) == [1]


def test_a_small_temperature_does_not_overflow():
    """exp(1 / 0.001) has no float."""
    bank, labels = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
    assert list(predict(bank, labels, bank, k=2, temperature=0.001)) == [0, 1]


def test_k_beyond_the_bank_takes_all_of_it():
    bank = np.eye(3)
    assert list(predict(bank, np.arange(3), bank, k=200)) == [0, 1, 2]


def test_accuracy_leaves_out_what_has_no_label():
    bank = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    labels = np.array([0, 1, -1])
    queries = np.array([[1.0, 0.1], [0.1, 1.0], [1.0, 0.2], [0.0, 1.0]])
    asked = np.array([0, 1, -1, 0])
    accuracy = nearest_neighbors.accuracy(bank, labels, queries, asked, k=1)
    assert accuracy == pytest.approx(2 / 3)


def test_a_bank_in_blocks_gives_the_same_neighbours(tmp_path):
    generator = np.random.default_rng(0)
    bank = generator.normal(size=(50, 6)).astype(np.float16)
    bank[41] = bank[3]  # equal ones: the first comes first
    queries = bank[::7].astype(np.float32)
    np.save(tmp_path / "bank.npy", bank)
    mapped = np.load(tmp_path / "bank.npy", mmap_mode="r")
    whole = nearest_neighbors.neighbours(bank, queries, 20)
    for rows in (1, 7, 30):
        blocks = nearest_neighbors.neighbours(
            mapped, queries, 20, block=3, bank_bytes=4 * 6 * rows
        )
        np.testing.assert_allclose(blocks[0], whole[0], atol=1e-6)
        np.testing.assert_array_equal(blocks[1], whole[1])
