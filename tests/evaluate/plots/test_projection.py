"""Projections of features onto a plane."""

import sys

import numpy as np
import pytest
from helpers.figures import features, unit

from ressl_tf.evaluate.plots import projection
from ressl_tf.runtime.errors import RunError, UsageError


def test_pca_is_the_singular_value_decomposition():
    vectors = unit(features())
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred.astype("float64"), full_matrices=False)
    plane = projection.project(features(), "pca")
    for column in (0, 1):  # whose sign is free
        expected = left[:, column] * values[column]
        sign = np.sign(plane.points[:, column] @ expected)
        np.testing.assert_allclose(plane.points[:, column], sign * expected, atol=1e-5)
    shares = values**2 / np.sum(values**2)
    assert plane.axes == tuple(
        f"component {i + 1} ({shares[i]:.0%} of the variance)" for i in (0, 1)
    )


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_length_of_features_does_not_matter(method):
    lengths = np.linspace(0.5, 7, 40, dtype="float32")[:, None]
    plain = projection.project(unit(features()), method).points
    scaled = projection.project(unit(features()) * 8, method).points
    np.testing.assert_array_equal(plain, scaled)  # 8 is exact
    if method == "pca":
        other = projection.project(unit(features()) * lengths, method).points
        np.testing.assert_allclose(np.abs(plain), np.abs(other), atol=1e-5)


def test_tsne_keeps_two_groups_apart_and_is_a_function_of_the_seed():
    directions = np.repeat(np.eye(6, dtype="float32")[:2], 20, axis=0)
    vectors = 5 * directions + 0.3 * features() / 5
    points, again = (
        projection.project(vectors, "tsne", perplexity=5, seed=3).points
        for _ in range(2)
    )
    np.testing.assert_array_equal(points, again)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    group = np.arange(40) < 20
    assert (group[distances.argmin(axis=1)] == group).all()


def test_half_of_the_steps_keep_the_neighbours():
    directions = np.repeat(np.eye(6, dtype="float32")[:4], 10, axis=0)
    vectors = 5 * directions + 0.3 * features() / 5
    points = projection.project(vectors, "tsne", perplexity=5, iterations=500).points
    other = projection.project(vectors, "tsne", perplexity=5, iterations=250).points
    assert not np.array_equal(points, other)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    group = np.arange(40) // 10
    assert (group[distances.argmin(axis=1)] == group).all()


@pytest.mark.slow
def test_umap_keeps_groups_apart_and_is_a_function_of_the_seed():
    pytest.importorskip("umap", reason="umap-learn is missing")
    group = np.repeat(np.arange(4), 10)
    vectors = 5 * np.eye(6, dtype="float32")[group] + 0.3 * features() / 5
    plane, again = (projection.project(vectors, "umap", seed=3) for _ in range(2))
    np.testing.assert_array_equal(plane.points, again.points)
    assert plane.name == "UMAP (15 neighbours)"
    distances = np.linalg.norm(plane.points[:, None] - plane.points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (group[distances.argmin(axis=1)] == group).all()


def test_umap_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UsageError, match=r"pip install 'ressl_tf\[umap\]'"):
        projection.project(features(), "umap")


@pytest.mark.parametrize(
    ("count", "asked", "expected"),
    [(4, 0, 1.0), (30, 0, 9.6), (91, 0, 30.0), (5000, 0, 30.0), (30, 9.6, 9.6)],
)
def test_the_perplexity_suits_the_number_of_images(count, asked, expected):
    assert projection.suitable_perplexity(count, asked) == pytest.approx(expected)


def test_a_perplexity_above_a_third_of_the_images_is_refused():
    with pytest.raises(UsageError, match=r"at most 9\.6.*Received: 9\.7 for 30 images"):
        projection.suitable_perplexity(30, 9.7)


@pytest.mark.parametrize(
    ("value", "error"), [(np.nan, "not finite"), (1.0, "the same features")]
)
def test_useless_features_are_named(value, error):
    with pytest.raises(RunError, match=error):
        projection.project(np.full((9, 3), value, "float32"), "pca")


def test_a_plane_needs_two_dimensions():
    with pytest.raises(UsageError, match=r"\[9, 1\]"):
        projection.project(features(9, 1), "pca")
