"""The export of a graph's encoder gives its embeddings, without this package."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ressl_tf.config.export_config import ExportConfig
from ressl_tf.export import main as export
from ressl_tf.graphs import graph_export
from ressl_tf.graphs.gcn import GCN
from ressl_tf.graphs.graph import Graph
from ressl_tf.graphs.trained import open_graph_run
from ressl_tf.runtime.errors import UsageError
from ressl_tf.saving import saved_model
from ressl_tf.saving.pretrained import open_pretrained


def trained_gcn():
    """Set every variable as after some training: random, variances positive."""
    encoder = GCN(7, (6, 4))
    generator = np.random.default_rng(0)
    for variable in encoder.variables:
        low, high = (0.5, 1.5) if "variance" in variable.name else (-0.5, 0.5)
        variable.assign(generator.uniform(low, high, variable.shape))
    return encoder


def graph(nodes, edges, seed=0):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(nodes, 7))
    return Graph.from_edges(features, generator.integers(nodes, size=(edges, 2)))


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory):
    """Return (encoder, folder, loaded); the loaded object's statistics may move."""
    encoder, folder = trained_gcn(), tmp_path_factory.mktemp("gcn")
    root = graph_export.endpoints(encoder)
    tf.saved_model.save(root, str(folder))
    return encoder, folder, tf.saved_model.load(str(folder))


@pytest.mark.parametrize(("nodes", "edges"), [(30, 80), (5, 3), (4, 0), (1, 0)])
def test_serve_gives_the_encoders_embeddings_of_any_graph(endpoints, nodes, edges):
    encoder, _, loaded = endpoints
    small = graph(nodes, edges)
    wanted = encoder(small.inputs, training=False)
    for numbers in (np.int64, np.int32):
        made = loaded.serve(small.features, small.edges.astype(numbers))
        assert set(made) == {"embeddings"}
        np.testing.assert_allclose(made["embeddings"], wanted, atol=1e-5)
    assert np.abs(wanted).max() > 0.1


def test_edges_may_come_in_any_order(endpoints):
    _, _, loaded = endpoints
    whole = graph(30, 80)
    mixed = np.random.default_rng(1).permutation(whole.edges)
    made, wanted = (
        loaded.serve(whole.features, edges)["embeddings"]
        for edges in (mixed, whole.edges)
    )
    np.testing.assert_allclose(made, wanted, atol=1e-5)


def test_train_has_the_encoders_gradients_and_moves_the_statistics(tmp_path):
    encoder, whole = trained_gcn(), graph(30, 80)
    tf.saved_model.save(graph_export.endpoints(encoder), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    weights = np.random.default_rng(2).normal(size=(30, 4)).astype(np.float32)
    variables = [v.value for v in encoder.trainable_variables]
    with tf.GradientTape() as tape:
        embeddings = encoder(whole.inputs, training=True)
        loss = tf.reduce_sum(weights * embeddings)
    wanted = tape.gradient(loss, variables)
    with tf.GradientTape() as tape:
        made = loaded.train(whole.features, whole.edges)["embeddings"]
        loss = tf.reduce_sum(weights * made)
    found = tape.gradient(loss, loaded.trainable_variables)
    np.testing.assert_allclose(made, embeddings, atol=1e-5)
    assert len(found) == len(wanted) == 10
    for mine, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, right, atol=1e-4)
    moved = zip(loaded.variables, encoder.variables, strict=True)
    for mine, right in moved:  # the running statistics by the same step
        np.testing.assert_allclose(mine, right, atol=1e-5)


ELSEWHERE = """\
import sys
blocked = ("ressl_tf", "keras_cv", "keras")
sys.modules.update(dict.fromkeys(blocked))  # importing them fails
import json
import numpy as np
import tensorflow as tf
data = np.load("data.npz")
model = tf.saved_model.load("exported")
made = model.serve(data["features"], data["edges"])["embeddings"]
served = model.signatures["serving_default"](
    features=tf.constant(data["features"]), edges=tf.constant(data["edges"])
)["embeddings"]
distances = [float(np.abs(x - data["embeddings"]).max()) for x in (made, served)]
print(json.dumps(distances))
"""


@pytest.mark.slow
def test_a_run_is_exported_with_a_card_and_runs_elsewhere(graph_run, tmp_path):
    folder = tmp_path / "exported"
    line = export(ExportConfig(workdir=str(graph_run), output=str(folder)))
    run = open_graph_run(str(graph_run))
    assert line["kind"] == "graph"
    assert line["outputs"] == {"embeddings": 8}
    assert line["parameters"] == sum(np.prod(v.shape) for v in run.encoder.variables)
    metadata = json.loads((folder / saved_model.METADATA).read_text())
    assert metadata["config"]["method"] == "rgrl"
    assert metadata["weights_sha256"] == line["weights_sha256"]
    card = (folder / "model_card.md").read_text()
    assert "graph:tiny.npz" in card
    assert str(graph_run.parent) not in card
    assert "model.serve(features, edges)  # float32 [n, 12], int64 [e, 2]" in card
    whole = run.graph()
    arrays = {**whole.inputs, "embeddings": run.embed(whole)}
    np.savez(tmp_path / "data.npz", **arrays)
    done = subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert max(json.loads(done.stdout)) < 1e-5
    with pytest.raises(UsageError, match="is there already"):
        export(ExportConfig(workdir=str(graph_run), output=str(folder)))
    with pytest.raises(UsageError, match="a run on a graph, and this is for images"):
        open_pretrained(str(folder))


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"format": "keras"}, "--format=keras"),
        ({"outputs": ("logits",)}, "--outputs=logits"),
        ({"image_size": 32}, "--image_size=32"),
    ],
)
def test_flags_for_images_are_refused(graph_run, tmp_path, options, received):
    output = str(tmp_path / "exported")
    with pytest.raises(UsageError, match=rf"embeddings of nodes. Received: {received}"):
        export(ExportConfig(workdir=str(graph_run), output=output, **options))
    assert not list(tmp_path.iterdir())


def test_untrained_is_the_same_network_with_other_weights(graph_run):
    run = open_graph_run(str(graph_run))
    fresh, again = run.untrained(3), run.untrained(3)
    other = run.untrained(4)
    kernels = [r.encoder.variables[0].numpy() for r in (run, fresh, again, other)]
    np.testing.assert_array_equal(kernels[1], kernels[2])
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[3])
    assert keras.saving.serialize_keras_object(
        run.encoder
    ) == keras.saving.serialize_keras_object(fresh.encoder)
