"""A run on a graph as the command line makes it, and in a notebook."""

import pathlib

import keras
import numpy as np
import pytest
from helpers.graphs import parts

import ressl_tf
from ressl_tf.config import Config
from ressl_tf.engine.checkpoint import restore_network
from ressl_tf.engine.workdir import read_rows
from ressl_tf.graphs import graph_run
from ressl_tf.methods import build
from ressl_tf.pretraining import pretrain as pretraining
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

ROOT = pathlib.Path(__file__).parents[2]
TINY = {
    "method": "rgrl",
    "gcn_layers": (6, 4),
    "graph_sample": 8,
    "epochs": 5,
    "log_every": 2,
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "lr_schedule": "constant",
    "warmup_epochs": 0.0,
    "tensorboard": False,
}
PAPER = {  # the published table of six data sets
    "cora": (
        (256, 128),
        256,
        0.001,
        400,
        128,
        2,
        0.3,
        0.4,
        0.2,
        0.4,
        0.01,
        1,
        0.9,
        0.1,
    ),
    "citeseer": (
        *((512, 256), 512, 0.005, 50, 128, 2, 0.3, 0.2, 0.2, 0, 0.01, 0.1, 0.9, 0.1),
    ),
    "photo": (
        (512, 256),
        512,
        0.001,
        5000,
        512,
        4,
        0.1,
        0.2,
        0.4,
        0.1,
        0.01,
        1,
        0.9,
        0.1,
    ),
    "computers": (
        *((256, 128), 512, 0.001, 15000, 512, 4, 0.2, 0.1, 0.5, 0.4),
        *(0.01, 1, 0.999, 0.1),
    ),
    "wikics": (
        *((512, 256), 512, 0.001, 1500, 2048, 2, 0.2, 0.1, 0.2, 0.3),
        *(0.05, 1, 0.99, 0.01),
    ),
    "pubmed": (
        (512, 256),
        512,
        0.01,
        2500,
        1024,
        2,
        0,
        0.2,
        0.4,
        0.1,
        0.01,
        0.1,
        0.9,
        0,
    ),
}


@pytest.fixture(scope="session")
def graph_file(tmp_path_factory):
    """Write a graph of thirty nodes of two kinds, joined mostly within a kind."""
    generator, path = np.random.default_rng(0), tmp_path_factory.mktemp("graph")
    kind = np.arange(30) % 2
    alike = kind[:, None] == kind
    adjacency = generator.uniform(size=(30, 30)) < np.where(alike, 0.2, 0.02)
    features = generator.normal(size=(30, 9)) + kind[:, None]
    known = {**parts("adj", adjacency), **parts("attr", features), "labels": kind}
    np.savez(path / "tiny.npz", **known)
    return path / "tiny.npz"


def config(graph_file, **changes):
    return Config(**{**TINY, "dataset": f"graph:{graph_file}", **changes})


@pytest.mark.slow
def test_a_run_leaves_rows_checkpoints_and_a_result(graph_file, tmp_path):
    given = config(graph_file, workdir=str(tmp_path / "run"))
    result = pretraining.pretrain(given)
    rows = read_rows(tmp_path / "run")
    assert [row["step"] for row in rows] == [0, 2, 4, 5]
    assert [row["epoch"] for row in rows] == [0, 2, 4, 5]
    assert rows[1].keys() >= {"global", "local", "loss", "teacher_entropy"}
    assert rows[1]["learning_rate"] == pytest.approx(0.01)
    assert result["epochs"] == result["steps"] == 5
    assert (result["nodes"], result["features"]) == (30, 9)
    graph = ressl_tf.Graph.from_npz(graph_file)
    assert result["edges"] == len(graph.edges) / 2
    assert result["loss"] == rows[-1]["loss"]
    assert 0 < result["seconds_per_epoch"] < 60
    assert result["peak_memory_bytes"] > 2**20
    model = build.build_model(given)
    before = model(graph.inputs).numpy()
    path = restore_network(tmp_path / "run/checkpoints", "online", model.online)
    assert path.name == "step-000000005.npz"
    assert np.abs(model(graph.inputs).numpy() - before).max() > 1e-3


@pytest.mark.slow
def test_a_resumed_run_equals_an_unbroken_one(graph_file, tmp_path):
    whole = pretraining.pretrain(config(graph_file, workdir=str(tmp_path / "whole")))
    broken = config(graph_file, workdir=str(tmp_path / "broken"), max_steps=3)
    assert pretraining.pretrain(broken)["steps"] == 3
    again = config(graph_file, workdir=str(tmp_path / "broken"))
    resumed = pretraining.pretrain(again)
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    assert resumed["loss"] == whole["loss"]
    rows = read_rows(tmp_path / "broken")
    assert [row["step"] for row in rows] == [0, 2, 4, 5]


def test_held_out_edges_are_not_seen(graph_file):
    every = ressl_tf.Graph.from_npz(graph_file)
    seen = graph_run.open_graph(config(graph_file, holdout_edges=0.25))
    pairs = len(every.edges) // 2
    assert len(seen.edges) // 2 == pairs - round(pairs / 4)


def test_dry_run_counts(graph_file):
    report = pretraining.describe(config(graph_file, max_steps=4))
    kernels = 9 * 6 + 6 * 4
    assert report["encoder_parameters"] == kernels + 3 * (6 + 4) + 2
    assert report["predictor_parameters"] == 2 * 4 * 6 + 6 + 4 + 1
    assert (report["nodes"], report["steps"]) == (30, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "shapes"}, "--method=rgrl learns from graphs.* --dataset=shapes"),
        ({"method": "byol"}, "--method=byol learns from images.* --dataset=graph:"),
        ({"strategy": "mirrored"}, "on one device: --strategy=one. Received: mirrored"),
        ({"init_from": "run"}, "--init_from is for encoders of images"),
        ({"drop_edges": (0.1,)}, "--drop_edges must be 2 comma-separated numbers"),
        ({"gcn_layers": ()}, "--gcn_layers must be comma-separated whole numbers"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(UsageError, match=message) as caught:
        config("file.npz", **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"graph_sample": 31}, {"graph_topk": 31}])
def test_a_graph_too_small_leaves_no_workdir(changes, graph_file, tmp_path):
    given = config(graph_file, workdir=str(tmp_path / "run"), **changes)
    with pytest.raises(UsageError, match=r"number of nodes, 30\. Received: 31"):
        pretraining.pretrain(given)
    assert not (tmp_path / "run").exists()


def test_the_folder_of_a_run_is_named_after_its_graph():
    assert config("/data/cora.npz").run_dir == "runs/rgrl-cora-gcn-seed0"


@pytest.mark.slow
def test_fit_takes_a_graph(graph_file):
    """Sparse features too; the seed and the step alone decide what is drawn."""
    graph = ressl_tf.Graph.from_npz(graph_file)
    few = np.where(graph.features > 2.0, graph.features, 0)
    for features in (graph.features, few):
        given, results = ressl_tf.Graph(features, graph.edges), []
        for _ in range(2):
            keras.utils.set_random_seed(0)
            model = ressl_tf.RGRL(9, gcn_layers=(6, 4), graph_sample=8)
            model.compile(ressl_tf.AdamW(0.01))
            history = model.fit(given, epochs=2, verbose=0)
            results.append(model(given.inputs).numpy())
        np.testing.assert_array_equal(*results)
        assert results[0].shape == (30, 4)
        assert len(history.history["loss"]) == int(model.step) == 2


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_hyper_parameters(name):
    given = flags.parse(Config, [f"--flagfile={ROOT}/configs/rgrl_{name}.flags"])
    found = (
        *(given.gcn_layers, given.predictor_dim, given.learning_rate, given.epochs),
        *(given.graph_sample, given.graph_topk, *given.drop_features),
        *(*given.drop_edges, given.teacher_temp, given.local_teacher_temp),
        *(given.anchor_alpha, given.anchor_beta),
    )
    assert found == PAPER[name]
    alike = (given.momentum, given.student_temp, given.local_weight)
    assert alike == (0.99, 0.1, 1.0)
    rate = (given.optimizer, given.lr_schedule, given.warmup_epochs, given.weight_decay)
    assert rate == ("adamw", "constant", 0, 1e-5)
