"""What judges the nodes of a graph, each against an independent reference."""

import numpy as np
import pytest

from ressl_tf.graphs import clustering, link_prediction, probe, similarity
from ressl_tf.graphs.node_splits import node_splits


def test_splits_share_out_all_nodes_that_have_a_label():
    labels = np.zeros(107, int)
    labels[[3, 50]] = -1
    splits = node_splits(labels, 20, seed=0)
    for split in splits:
        parts = (split.train, split.validation, split.test)
        assert [len(part) for part in parts] == [11, 10, 84]  # of 105
        together = np.concatenate(parts)
        np.testing.assert_array_equal(np.sort(together), np.flatnonzero(labels == 0))
    assert len({tuple(sorted(split.train)) for split in splits}) == 20


def test_splits_are_those_of_the_seed_however_many():
    labels = np.zeros(50, int)
    first, longer, other = (
        node_splits(labels, count, seed) for count, seed in ((3, 0), (5, 0), (3, 1))
    )
    for mine, same, unlike in zip(first, longer, other, strict=False):
        np.testing.assert_array_equal(mine.test, same.test)
        np.testing.assert_array_equal(mine.train, same.train)
        assert not np.array_equal(mine.test, unlike.test)


def test_every_node_is_tested_as_often():
    splits = node_splits(np.zeros(30, int), 500, seed=0)
    counts = np.bincount(np.concatenate([split.test for split in splits]))
    assert np.abs(counts - 400).max() < 45  # 5 standard deviations of the binomial


def cross_entropy(features, labels, kernel, bias):
    logits = features @ kernel + bias
    largest = logits.max(axis=1)
    logs = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest
    return np.mean(logs - logits[np.arange(len(labels)), labels])


def numeric_gradient(function, values, step=1e-6):
    gradient = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient


def gradient_of(features, labels, kernel, bias):
    return (
        numeric_gradient(lambda k: cross_entropy(features, labels, k, bias), kernel),
        numeric_gradient(lambda b: cross_entropy(features, labels, kernel, b), bias),
    )


def adam(features, labels, kernel, bias, rate, steps):
    """By finite differences, in the efficient form of Kingma and Ba, end of Sec. 2."""
    weights = [kernel.astype(float), bias.astype(float)]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for t in range(1, steps + 1):
        gradients = gradient_of(features, labels, *weights)
        factor = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for i, gradient in enumerate(gradients):
            first[i] += 0.1 * (gradient - first[i])
            second[i] += 0.001 * (gradient**2 - second[i])
            weights[i] = weights[i] - factor * first[i] / np.sqrt(second[i] + 1e-30)
    return weights


def examples():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(12, 4)).astype(np.float32)
    return features, generator.integers(0, 3, 12)


def test_the_probe_is_adam_on_the_mean_cross_entropy():
    features, labels = examples()
    start = probe.fit(features, labels, 3, steps=0, seed=5)
    np.testing.assert_array_equal(start[1], np.zeros(3))
    ended = probe.fit(features, labels, 3, learning_rate=0.05, steps=25, seed=5)
    wanted = adam(features, labels, *start, rate=0.05, steps=25)
    for found, right in zip(ended, wanted, strict=True):
        np.testing.assert_allclose(found, right, atol=2e-4)
    assert np.abs(ended[0] - start[0]).max() > 0.3


def test_the_probe_starts_as_glorot_says_and_by_its_seed():
    features, labels = np.zeros((2, 60), np.float32), np.array([0, 1])
    kernel, _ = probe.fit(features, labels, 40, steps=0, seed=1)
    limit = np.sqrt(6 / 100)
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    again, other = (probe.fit(features, labels, 40, steps=0, seed=s)[0] for s in (1, 2))
    np.testing.assert_array_equal(kernel, again)
    assert not np.array_equal(kernel, other)


def brute_force(embeddings, labels, k):
    shares = []
    for i, one in enumerate(embeddings):
        cosines = embeddings @ one / np.linalg.norm(embeddings, axis=1)
        order = [j for j in np.argsort(-cosines) if j != i and labels[j] >= 0]
        if labels[i] >= 0:
            shares.append(np.mean(labels[order[:k]] == labels[i]))
    return np.mean(shares)


def test_similarity_search_against_brute_force():
    generator = np.random.default_rng(2)
    labels = generator.integers(-1, 3, 60)
    embeddings = generator.normal(size=(60, 5)) + 2 * np.eye(5)[labels]
    embeddings *= generator.uniform(0.1, 9, (60, 1))  # the length says nothing
    found = similarity.same_class_share(embeddings.astype(np.float32), labels)
    assert set(found) == {5, 10}
    for k, share in found.items():
        assert share == pytest.approx(brute_force(embeddings, labels, k), abs=1e-6)


def test_a_node_is_not_its_own_neighbour_even_among_its_equals():
    """Five embeddings are the same: which of them comes first is chance."""
    embeddings = np.ones((5, 2), np.float32)
    labels = np.array([0, 0, 0, 0, 1])
    found = similarity.same_class_share(embeddings, labels, (4,))
    assert found[4] == pytest.approx((4 * 3 / 4 + 0) / 5)


def test_clusters_that_are_the_classes_agree_whatever_their_numbers():
    generator = np.random.default_rng(0)
    labels = np.repeat([2, 0, 1, -1], 20)
    corners = np.array([[0, 1], [1, 0], [-1, -1], [5, 5]])  # of 0, 1, 2 and -1
    points = corners[labels] + 0.05 * generator.normal(size=(80, 2))
    points *= generator.uniform(0.1, 30, (80, 1))  # undone by the unit length
    found = clustering.agreement(points, labels, runs=2)
    assert found == {"nmi": pytest.approx(1), "ari": pytest.approx(1)}


def test_clusters_against_figures_by_hand():
    """Clusters (0, 1), (2, 3) of classes aabb are right, of abab independent."""
    points = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    found = clustering.agreement(points, np.array([0, 1, 0, 1]), runs=1)
    # Of four pairs that are apart in classes or clusters: index 0, expected 2 * 2 / 6,
    # largest 2: (0 - 2 / 3) / (2 - 2 / 3).
    assert found == {"nmi": pytest.approx(0, abs=1e-9), "ari": pytest.approx(-0.5)}
    found = clustering.agreement(points, np.array([0, 0, 1, 1]), runs=1)
    assert found == {"nmi": pytest.approx(1), "ari": pytest.approx(1)}


def test_auc_and_average_precision_by_hand():
    """Order of the scores: + - + -. Three of four pairs are right."""
    area, precision = link_prediction.auc_and_ap(
        np.array([0.9, 0.3]), np.array([0.5, 0.1])
    )
    assert area == pytest.approx(3 / 4)
    assert precision == pytest.approx((1 + 2 / 3) / 2)


def test_cosines_of_pairs():
    embeddings = np.array([[3.0, 4.0], [0.6, 0.8], [-4.0, 3.0], [0.0, 0.0]])
    pairs = np.array([[0, 1], [0, 2], [1, 3]])
    np.testing.assert_allclose(
        link_prediction.cosines(embeddings, pairs), [1, 0, 0], atol=1e-12
    )


def test_products_find_an_edge_rule_that_the_cosine_does_not():
    """Edges join nodes of the same sign in one entry out of eight."""
    generator = np.random.default_rng(0)
    embeddings = generator.choice([-1.0, 1.0], (60, 8))
    pairs = generator.integers(60, size=(800, 2))
    same = embeddings[pairs[:, 0], 3] == embeddings[pairs[:, 1], 3]
    known = pairs[:400][same[:400]], pairs[:400][~same[:400]]
    asked, right = pairs[400:], same[400:]
    scores = link_prediction.hadamard_scores(embeddings, known, asked)
    assert link_prediction.auc_and_ap(scores[right], scores[~right])[0] > 0.99
    plain = link_prediction.cosines(embeddings, asked)
    assert link_prediction.auc_and_ap(plain[right], plain[~right])[0] < 0.8
