import numpy as np
import pytest
from scipy.stats import entropy

from ressl_tf.evaluate.report.temperature_range import effective_numbers, suitable


def random_units(count, dim=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_effective_numbers_are_scipys():
    similarities = random_units(6) @ random_units(40, seed=1).T
    for temperature in (0.002, 0.05, 1.0):
        p = np.exp(similarities / temperature)
        expected = np.exp(entropy(p / p.sum(axis=1, keepdims=True), axis=1))
        found = effective_numbers(similarities, temperature)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_uniform_and_one_hot_relations():
    assert effective_numbers(np.zeros((1, 25)), 0.1) == pytest.approx([25])
    left_out = np.array([[-np.inf, 0.3, 0.3, -1.0]])
    assert effective_numbers(left_out, 0.001) == pytest.approx([2])


def test_half_to_five_percent_count_at_the_ends_of_the_range():
    teacher, references = random_units(1001), np.arange(1001)
    low, high = suitable(teacher, references, student_temp=1.0)
    similarities = teacher @ teacher.T
    np.fill_diagonal(similarities, -np.inf)
    counts = [np.median(effective_numbers(similarities, t)) for t in (low, high)]
    np.testing.assert_allclose(counts, [5, 50], rtol=0.05)
    assert suitable(teacher, references, student_temp=0.1)[1] == 0.05


def test_there_is_no_range_for_few_images_or_one_point():
    assert suitable(random_units(10), np.arange(10), 0.1) is None
    point = np.tile(random_units(1), (50, 1))
    assert suitable(point, np.arange(50), 0.1) is None
    units, teacher = random_units(200), random_units(1)
    for share, suits in ((0.23, False), (0.6, True)):
        drawn = teacher + share * units
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        assert bool(suitable(drawn, np.arange(200), 0.1)) == suits
