"""Graphs: how edges are cleaned, files are read, and bad input is refused."""

import numpy as np
import pytest
import scipy.sparse
from helpers.graphs import parts

import ressl_tf
from ressl_tf.graphs.graph import count_features, load_graph
from ressl_tf.runtime.errors import UsageError

FEATURES = np.arange(10.0).reshape(5, 2)
EDGES = [[1, 0], [0, 1], [2, 2], [1, 3], [1, 3]]  # mirrored, a loop, directed, twice
CLEAN = [[0, 1], [1, 0], [1, 3], [3, 1]]


def arrays(**changes):
    """Return a gnn-benchmark file's arrays, with a stored zero that is no edge."""
    places = [1, 1, 2, 4], [0, 3, 2, 0]
    directed = scipy.sparse.csr_array(([1.0, 1.0, 1.0, 0.0], places), shape=(5, 5))
    known = {**parts("adj", directed), **parts("attr", FEATURES)}
    known["labels"] = np.array([0, 1, 1, 0, 1], np.int8)
    known["class_names"] = np.array(["red", "blue"])
    known["node_names"] = np.array([{}, None], object)  # pickled, in some files
    known |= changes
    return {key: value for key, value in known.items() if value is not None}


def save(path, **changes):
    np.savez(path, **arrays(**changes))
    return path


def test_a_file_is_found_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "a.npz")
    assert ressl_tf.Graph.from_npz("~/a.npz").num_nodes == 5
    assert (load_graph("graph:~/a.npz").num_nodes, count_features("~/a.npz")) == (5, 2)
    with pytest.raises(UsageError, match="must be a path on this machine"):
        ressl_tf.Graph.from_npz("gs://bucket/a.npz")


def test_edges_are_cleaned():
    graph = ressl_tf.Graph.from_edges(FEATURES, EDGES, [0, 2, -1, 0, 1])
    np.testing.assert_array_equal(graph.edges, CLEAN)
    np.testing.assert_array_equal(graph.degrees, [1, 2, 0, 1, 0])
    assert (graph.edges.dtype, graph.features.dtype) == (np.int64, np.float32)
    assert (graph.num_nodes, graph.num_features) == (5, 2)
    assert graph.labels.dtype == np.int32
    assert graph.label_names == ("0", "1", "2")
    again = ressl_tf.Graph.from_edges(graph.features, graph.edges)
    np.testing.assert_array_equal(again.edges, CLEAN)
    assert (again.labels, again.label_names) == (None, ())
    assert set(graph.inputs) == {"features", "edges"}


def test_a_graph_may_have_no_edges():
    graph = ressl_tf.Graph.from_edges(FEATURES, [])
    assert graph.edges.shape == (0, 2)
    np.testing.assert_array_equal(graph.degrees, np.zeros(5))


def test_a_file_is_read_without_pickle(tmp_path):
    path = save(tmp_path / "graph.npz")
    graph = load_graph(f"graph:{path}")
    np.testing.assert_array_equal(graph.edges, CLEAN)
    np.testing.assert_array_equal(graph.features, FEATURES)
    np.testing.assert_array_equal(graph.labels, [0, 1, 1, 0, 1])
    assert graph.label_names == ("red", "blue")
    assert count_features(f"graph:{path}") == 2


def test_a_file_may_hold_dense_features_and_no_labels(tmp_path):
    sparse = {f"attr_{part}": None for part in ("data", "indices", "indptr", "shape")}
    sparse |= {"attr_matrix": FEATURES, "labels": None, "class_names": None}
    path = save(tmp_path / "graph.npz", **sparse)
    graph = ressl_tf.Graph.from_npz(path)
    np.testing.assert_array_equal(graph.features, FEATURES)
    assert graph.labels is None
    assert count_features(f"graph:{path}") == 2


NAN = np.where(FEATURES == 6, np.nan, FEATURES)


@pytest.mark.parametrize(
    ("features", "edges", "labels", "message"),
    [
        (FEATURES[0], EDGES, None, r"features must be numbers \[nodes, .*\[2\]"),
        (FEATURES[:, :0], EDGES, None, "at least one of each"),
        (FEATURES.astype(str), EDGES, None, "features must be numbers"),
        (NAN, EDGES, None, "features must be finite. Received: NaN or inf in row 3"),
        (FEATURES, [[0, 1, 2]], None, r"whole numbers \[edges, 2\]. .* \[1, 3\]"),
        (FEATURES, [[0.0, 1.0]], None, "whole numbers .* float64"),
        (FEATURES, [[0, 5]], None, "join nodes 0 to 4, .* Received: 0 to 5"),
        (FEATURES, [[-1, 2]], None, "join nodes 0 to 4, .* Received: -1 to 2"),
        (FEATURES, EDGES, [0, 1], r"one for each of 5 nodes. .* \[2\]"),
        (FEATURES, EDGES, [0.5] * 5, "labels must be whole numbers"),
        (FEATURES, EDGES, [-2] * 5, "labels must be -1 .* Received: -2 to -2"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(features, edges, labels, message):
    with pytest.raises(UsageError, match=message) as caught:
        ressl_tf.Graph.from_edges(features, edges, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("edges", [CLEAN[::-1], CLEAN[:3], [[0, 1], *CLEAN], [[1, 1]]])
def test_the_constructor_takes_clean_edges_only(edges):
    with pytest.raises(UsageError, match=r"Graph\.from_edges makes them so"):
        ressl_tf.Graph(FEATURES.astype("float32"), np.array(edges, np.int64))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adj_indptr": None}, "needs adj_indptr. Received: adj_data, adj_indices"),
        ({"attr_data": None}, "needs attr_data"),
        ({"adj_indptr": np.arange(5)}, r"adj_\* is no CSR matrix"),
        ({"adj_indices": np.array([0, 3, 2, 7])}, "adj_indices must be below 5. .* 7"),
        ({"adj_shape": np.array([5, 6])}, r"adj_shape must be square. .* \(5, 6\)"),
        (parts("attr", FEATURES[:4]), "attr_shape has 4 nodes, adj_shape 5"),
        ({"labels": np.zeros(3, int)}, "labels must be .* each of 5 nodes"),
        ({"class_names": np.array(["red"])}, r"labels must be -1 .* to 0, .* 0 to 1"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(changes, message, tmp_path):
    path = save(tmp_path / "graph.npz", **changes)
    with pytest.raises(UsageError, match=f"graph.npz: .*{message}"):
        ressl_tf.Graph.from_npz(path)


def test_what_is_no_file_of_arrays_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        ressl_tf.Graph.from_npz(tmp_path / "none.npz")
    for content in (b"", b"text", b"PK\x03\x04 cut short"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(UsageError, match=r"bad\.npz: cannot be read as a graph"):
            ressl_tf.Graph.from_npz(tmp_path / "bad.npz")
    np.save(tmp_path / "one.npy", FEATURES)
    with pytest.raises(UsageError, match="cannot be read as a graph"):
        ressl_tf.Graph.from_npz(tmp_path / "one.npy")
