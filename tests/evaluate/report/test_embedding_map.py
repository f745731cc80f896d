import numpy as np

from ressl_tf.evaluate.report import embedding_map


def test_neighbours_are_the_most_similar_others():
    features = np.random.default_rng(0).normal(size=(60, 5))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    near = embedding_map.nearest(features)
    similarities = unit @ unit.T
    np.fill_diagonal(similarities, -np.inf)
    expected = np.argsort(-similarities, axis=1)[:, :20]
    np.testing.assert_array_equal(near.rows, expected)
    found = np.take_along_axis(similarities, expected, 1)
    np.testing.assert_allclose(near.similarities, found, atol=1e-6)


def test_copies_and_few_images_have_neighbours_but_themselves():
    near = embedding_map.nearest(np.ones((30, 3)))
    assert near.rows.shape == (30, 20)
    assert not (near.rows == np.arange(30)[:, None]).any()
    assert embedding_map.nearest(np.eye(2)).rows.tolist() == [[1], [0]]
    assert embedding_map.nearest(np.ones((1, 3))).rows.shape == (1, 0)


def test_maps_say_why_there_is_none():
    made, reason = embedding_map.maps(np.ones((9, 3)), ("pca",), 0)
    assert made == []
    assert "collapsed" in reason
    made, reason = embedding_map.maps(np.eye(3), ("pca", "tsne"), 0)
    assert [plane["name"] for plane in made] == ["PCA"]
    assert reason == ""


def test_clusters_find_groups():
    centres = np.eye(8).repeat(6, axis=0)
    noise = np.random.default_rng(0).normal(scale=0.01, size=centres.shape)
    found = embedding_map.clusters(centres + noise, seed=0).reshape(8, 6)
    assert (found == found[:, :1]).all()
    assert embedding_map.clusters(np.ones((40, 3)), seed=0).max() == 0
