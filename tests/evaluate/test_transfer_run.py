"""One encoder on several sets."""

import csv
import json
import logging
import re

import pytest

from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.config.transfer_config import TransferConfig
from ressl_tf.evaluate import knn_evaluation, linear_probe, svm_evaluation, transfer_run
from ressl_tf.evaluate.embeddings.examples import Examples
from ressl_tf.runtime.errors import RunError, UsageError


@pytest.fixture
def evaluated(monkeypatch):
    """Stand in for evaluations; return what was asked of them."""
    asked = []

    def computed(config):
        asked.append(("features", config.dataset))
        if "broken" in config.dataset:
            raise UsageError("no labels in it | anywhere")
        return Examples(*[None] * 4, ("a", "b"), config.dataset)

    def result(config, *_):
        asked.append((config.command, config.dataset))
        sizes = {"train_images": 1200, "test_images": 34}
        return {"top1": 0.5 if config.command == "knn" else 0.625, "map": 0.25, **sizes}

    monkeypatch.setattr(knn_evaluation, "computed", computed)
    monkeypatch.setattr(knn_evaluation, "evaluate_examples", result)
    monkeypatch.setattr(linear_probe, "evaluate_examples", result)
    monkeypatch.setattr(svm_evaluation, "evaluate", result)
    return asked


def config(unbroken, tmp_path, *names, **options):
    return TransferConfig(
        workdir=str(unbroken[1]), dataset=names, output=str(tmp_path), **options
    )


def test_a_set_that_fails_says_why_and_the_others_go_on(
    unbroken, tmp_path, evaluated, caplog
):
    caplog.set_level(logging.INFO, "ressl_tf")
    names = ("folder:/a", "folder:/broken", "cifar10")
    made = transfer_run.transfer(config(unbroken, tmp_path, *names))
    first, failed, last, summary = rows = [next(made) for _ in range(4)]
    with pytest.raises(RunError, match=r"1 of 3 sets failed.*/broken: no labels in it"):
        next(made)
    assert (first["knn"], first["linear"], first["status"]) == (0.5, 0.625, "ok")
    assert (last["dataset"], last["status"]) == ("cifar10", "ok")
    assert failed["status"] == "failed"
    assert failed["error"] == "no labels in it | anywhere"
    assert (summary["sets"], summary["failed"]) == (3, 1)
    titles, _, whole, broken, _ = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in (tmp_path / "table.md").read_text().splitlines()
    ]
    assert titles == ["set", "train", "test", "kNN top-1", "linear top-1", "status"]
    assert whole == ["folder:/a", "1,200", "34", "50.0%", "62.5%", "ok"]
    assert broken[1:5] == ["-"] * 4
    assert broken[5] == "failed: no labels in it \\| anywhere"
    with open(tmp_path / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["knn"] for line in lines] == ["0.5", "", "0.5"]
    assert lines[1]["error"] == "no labels in it | anywhere"
    assert "failed: no labels in it" in caplog.text  # the table, on the screen
    stored = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in stored] == rows[:3]


def test_an_evaluation_that_fails_leaves_the_others(unbroken, tmp_path, evaluated):
    asked = config(
        unbroken, tmp_path, "list:broken", evaluations=("knn", "svm", "linear")
    )
    row = next(transfer_run.transfer(asked))
    assert (row["svm"], row["status"]) == (0.25, "failed")
    assert row["error"] == "no labels in it | anywhere"  # once
    assert "knn" not in row
    evaluated.clear()
    assert next(transfer_run.transfer(asked)) == row
    assert evaluated == [("features", "list:broken")] * 2  # mAP is there


@pytest.mark.slow
def test_what_is_done_is_not_done_again(unbroken, tmp_path, evaluated):
    def run(*names, **options):
        evaluated.clear()
        made = transfer_run.transfer(config(unbroken, tmp_path, *names, **options))
        return [row["dataset"] for row in list(made)[:-1]], list(evaluated)

    done = [("features", "a"), ("knn", "a"), ("linear", "a")]
    assert run("a") == (["a"], done)
    assert run("a") == (["a"], [])
    assert run("b", "a", evaluations=("knn",))[1] == [("features", "b"), ("knn", "b")]
    assert run("a", evaluations=("svm", "knn")) == (["a"], [("svm", "a")])
    assert run("b") == (["b"], [("features", "b"), ("linear", "b")])
    assert run("a", "b") == (["a", "b"], [])


def test_other_weights_are_evaluated_anew(unbroken, tmp_path, evaluated, monkeypatch):
    list(transfer_run.transfer(config(unbroken, tmp_path, "a")))
    evaluated.clear()
    monkeypatch.setattr(transfer_run, "sha256_of", lambda layers: "other")
    list(transfer_run.transfer(config(unbroken, tmp_path, "a")))
    assert len(evaluated) == 3


@pytest.mark.slow
def test_figures_are_those_of_the_commands_alone(unbroken, photos, tmp_path):
    """Without a set, that of the run."""
    options = {"workdir": str(unbroken[1]), "output": str(tmp_path / "alone")}
    asked = config(
        unbroken, tmp_path / "out", evaluations=("knn", "linear", "svm"), lbfgs_c=(1.0,)
    )
    row, _ = transfer_run.transfer(asked)
    knn = knn_evaluation.evaluate(KNNConfig(**options, knn_k=(20,)))
    assert row["knn"] == knn["top1"]
    linear = LinearConfig(
        **{**options, "output": str(tmp_path / "linear")},
        solver="lbfgs",
        lbfgs_c=(1.0,),
        tensorboard=False,
    )
    assert row["linear"] == pytest.approx(linear_probe.evaluate(linear)["top1"])
    svm = svm_evaluation.evaluate(SVMConfig(**options, shots=(0,)))
    assert row["svm"] == pytest.approx(svm["map"])
    assert (row["train_images"], row["test_images"]) == (26, 10)
