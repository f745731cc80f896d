"""The nodes of a tiny run on a graph, evaluated in this process."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from helpers.graphs import planted_graph, save_graph

from ressl_tf.config.convert_config import ConvertConfig
from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.finetune_config import FinetuneConfig
from ressl_tf.config.plot_config import PlotConfig
from ressl_tf.config.preview_config import PreviewConfig
from ressl_tf.convert import main as convert
from ressl_tf.evaluate import fine_tuning, knn_evaluation, linear_probe
from ressl_tf.evaluate.plots import pictures
from ressl_tf.graphs import link_prediction, node_evaluation, probe
from ressl_tf.graphs.link_split import hold_out_edges, undirected
from ressl_tf.graphs.node_config import NodeConfig
from ressl_tf.graphs.node_splits import node_splits
from ressl_tf.graphs.trained import GraphRun, open_graph_run
from ressl_tf.pretraining import view_sheet
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import UsageError

ALL = ("classification", "similarity", "clustering", "links")


def config(run, **options):
    return NodeConfig(workdir=str(run), **options)


@pytest.mark.slow
def test_all_tasks_in_one_line(graph_run, tmp_path):
    line = node_evaluation.evaluate(
        config(graph_run, tasks=ALL, splits=3, output=str(tmp_path))
    )
    assert json.loads((tmp_path / "result.json").read_text()) == line
    assert (line["nodes"], line["feature_dim"], line["features"]) == (
        60,
        8,
        "embeddings",
    )
    assert line["edges"] == len(undirected(planted_graph().edges))
    assert line["held_out_edges"] == round(0.1 * line["edges"])
    for figure in ("linear_top1", "sim_at_5", "sim_at_10", "link_auc", "link_ap"):
        assert 0 <= line[figure] <= 1, figure
    assert {"nmi", "ari", "link_auc_hadamard", "link_ap_hadamard"} <= set(line)
    again = node_evaluation.evaluate(
        config(graph_run, tasks=ALL, splits=3, output=str(tmp_path))
    )
    assert again == line


def test_the_accuracy_is_that_of_a_probe_of_each_split(graph_run, tmp_path):
    options = {"splits": 4, "probe_steps": 30, "probe_learning_rate": 0.1, "seed": 2}
    line = node_evaluation.evaluate(config(graph_run, output=str(tmp_path), **options))
    run = open_graph_run(str(graph_run))
    graph = run.graph()
    embeddings, accuracies, right = run.embed(graph), [], np.zeros((3, 2))
    for number, split in enumerate(node_splits(graph.labels, 4, 2)):
        kernel, bias = probe.fit(
            embeddings[split.train],
            graph.labels[split.train],
            3,
            learning_rate=0.1,
            steps=30,
            seed=2 + number,
        )
        answers = (embeddings[split.test] @ kernel + bias).argmax(axis=1)
        hits = answers == graph.labels[split.test]
        accuracies.append(hits.mean())
        for label, hit in zip(graph.labels[split.test], hits, strict=True):
            right[label] += hit, 1
    np.testing.assert_allclose(line["linear_top1_splits"], accuracies)
    assert line["linear_top1"] == line["top1"] == pytest.approx(np.mean(accuracies))
    deviation = np.sqrt(np.mean((accuracies - np.mean(accuracies)) ** 2))
    assert line["linear_top1_std"] == pytest.approx(deviation)
    wanted = dict(zip("012", right[:, 0] / right[:, 1], strict=True))
    assert line["per_class"] == pytest.approx(wanted)


def test_raw_features_and_lbfgs(graph_run, tmp_path):
    save_graph(planted_graph(nodes=300), tmp_path / "other.npz")
    options = {
        "dataset": f"graph:{tmp_path}/other.npz",
        "features": "raw",
        "solver": "lbfgs",
        "lbfgs_c": (0.1,),
        "splits": 2,
    }
    line = node_evaluation.evaluate(config(graph_run, output=str(tmp_path), **options))
    assert (line["feature_dim"], line["solver"]) == (12, "lbfgs")
    assert line["linear_top1"] > 1 / 3 + 0.1


def test_links_are_scored_without_the_edges_that_were_held_out(graph_run, tmp_path):
    """The embeddings are of the graph that was trained on, not of the whole."""
    line = node_evaluation.evaluate(
        config(graph_run, tasks=("links",), output=str(tmp_path))
    )
    run = open_graph_run(str(graph_run))
    whole = run.graph()
    training, positive, negative = hold_out_edges(whole, 0.1, run.config.seed)
    honest, leaking = (
        link_prediction.auc_and_ap(
            *(link_prediction.cosines(run.embed(g), p) for p in (positive, negative))
        )
        for g in (training, whole)
    )
    assert (line["link_auc"], line["link_ap"]) == pytest.approx(honest)
    assert honest != leaking


def test_another_graph_is_evaluated_if_its_features_fit(graph_run, tmp_path):
    other = planted_graph(nodes=40)
    save_graph(other, tmp_path / "other.npz")
    dataset = f"graph:{tmp_path}/other.npz"
    options = {"dataset": dataset, "splits": 2, "output": str(tmp_path)}
    assert node_evaluation.evaluate(config(graph_run, **options))["nodes"] == 40
    with pytest.raises(UsageError, match="of its own graph"):
        node_evaluation.evaluate(config(graph_run, **{**options, "tasks": ("links",)}))
    save_graph(planted_graph(features=5), tmp_path / "narrow.npz")
    with pytest.raises(UsageError, match=r"have 12 features. Received: .* have 5"):
        node_evaluation.evaluate(
            config(graph_run, dataset=f"graph:{tmp_path}/narrow.npz")
        )
    with pytest.raises(UsageError, match="--dataset must be graph:"):
        node_evaluation.evaluate(config(graph_run, dataset="shapes"))


def test_a_graph_without_labels_has_links_alone(graph_run, tmp_path):
    whole = planted_graph()
    save_graph(dataclasses.replace(whole, labels=None), tmp_path / "bare.npz")
    dataset = f"graph:{tmp_path}/bare.npz"
    for task in ALL[:3]:
        options = {"tasks": (task,), "dataset": dataset, "output": str(tmp_path)}
        with pytest.raises(UsageError, match="Received: 0 labels of 0 classes"):
            node_evaluation.evaluate(config(graph_run, **options))


@pytest.mark.parametrize("flag", ["--epochs=5", "--train_split=test", "--model=m"])
def test_flags_for_images_are_refused(graph_run, flag):
    with pytest.raises(UsageError, match=f"Unknown command line flag '{flag[2:7]}"):
        flags.parse(NodeConfig, [f"--workdir={graph_run}", flag])


@pytest.mark.slow
def test_a_run_on_images_is_refused(unbroken):
    with pytest.raises(UsageError, match="must be that of a run on a graph"):
        node_evaluation.evaluate(config(unbroken[1], splits=3, tasks=("links",)))


def convert_back(workdir):
    convert(ConvertConfig(to="torch", workdir=workdir, output="out.pth"))


@pytest.mark.parametrize(
    "command",
    [
        lambda run: knn_evaluation.evaluate(KNNConfig(workdir=run)),
        lambda run: linear_probe.evaluate(LinearConfig(workdir=run)),
        lambda run: fine_tuning.finetune(FinetuneConfig(workdir=run)),
        lambda run: pictures.draw(PlotConfig(workdir=run, kind=("embedding",))),
        convert_back,
    ],
    ids=["knn", "linear", "finetune", "plot", "convert"],
)
def test_commands_on_images_refuse_a_run_on_a_graph(graph_run, command):
    before = sorted(graph_run.rglob("*"))
    with pytest.raises(UsageError, match="holds a run on a graph") as caught:
        command(str(graph_run))
    assert "\n" not in str(caught.value)
    assert sorted(graph_run.rglob("*")) == before


def test_a_preview_of_a_graph_is_refused(graph_run, tmp_path):
    dataset = open_graph_run(str(graph_run)).config.dataset
    arguments = [f"--dataset={dataset}", "--method=rgrl", f"--output={tmp_path}/v.png"]
    with pytest.raises(UsageError, match="graph") as caught:
        view_sheet.draw(flags.parse(PreviewConfig, arguments))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_curves_of_a_run_on_a_graph_are_drawn(graph_run, tmp_path):
    options = {"kind": ("curves",), "output": str(tmp_path)}
    line = pictures.draw(PlotConfig(workdir=str(graph_run), **options))
    assert list(line["pictures"]) == ["curves"]


def test_different_evaluations_have_different_folders():
    names = {
        NodeConfig(workdir="a", **options).run_dir
        for options in (
            {},
            {"features": "raw"},
            {"untrained": True},
            {"tasks": ("links",)},
            {"tasks": ("classification", "similarity")},
            {"solver": "lbfgs"},
        )
    }
    assert names == {
        "a/nodes",
        "a/nodes-raw",
        "a/nodes-untrained",
        "a/nodes-links",
        "a/nodes-classification-similarity",
        "a/nodes-lbfgs",
    }


def test_the_checkpoint_with_the_best_validation_is_taken(
    graph_run, tmp_path, monkeypatch
):
    """The steps' embeddings are replaced: those of step 2 are the labels themselves."""
    folder = tmp_path / "run"
    shutil.copytree(graph_run, folder)
    last = folder / "checkpoints" / "step-000000003.npz"
    for step in (1, 2):
        shutil.copy(last, last.with_name(f"step-{step:09d}.npz"))
    assert [run.step for run in open_graph_run(str(folder)).checkpoints()] == [1, 2, 3]

    def embed(run, graph):
        right = np.eye(3, dtype=np.float32)[graph.labels]
        return right if run.step == 2 else np.roll(right, run.step, axis=0) * 0

    monkeypatch.setattr(GraphRun, "embed", embed)
    options = {"splits": 2, "probe_learning_rate": 0.1, "output": str(tmp_path)}
    line = node_evaluation.evaluate(
        config(folder, model_selection="validation", **options)
    )
    assert (line["step"], line["linear_top1"]) == (2, 1.0)
    line = node_evaluation.evaluate(config(folder, **options))
    assert line["step"] == 3
    assert line["linear_top1"] < 0.5
