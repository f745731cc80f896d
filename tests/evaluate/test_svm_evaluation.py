"""Mean average precision of SVMs."""

import json
import logging
import pathlib
import runpy

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.data.multi_label import MultiLabels
from ressl_tf.evaluate import svm_evaluation
from ressl_tf.evaluate.average_precision import average_precision
from ressl_tf.evaluate.multi_label_task import MultiLabelTask
from ressl_tf.evaluate.svm_evaluation import Classifiers
from ressl_tf.runtime.errors import UsageError

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "draw_several.py"
NAMES = ("a", "b", "c")


def labelled(count, seed, noise=1.5):
    """Return features that tell something of three classes, and what is shown."""
    generator = np.random.default_rng(seed)
    states = (generator.random((count, 3)) < 0.3).astype(np.int8)
    states[: count // 20, 0] = -1
    features = np.concatenate([states > 0, np.ones((count, 1))], axis=1)
    features = features @ np.random.default_rng(9).normal(size=(4, 8))
    return features + noise * generator.normal(size=features.shape), states


@pytest.fixture
def task():
    known, states = labelled(300, 0)
    asked, truth = labelled(200, 1)
    return MultiLabelTask(
        known, MultiLabels(states, NAMES), asked, MultiLabels(truth, NAMES), "set"
    )


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("form", ["area", "voc07"])
def test_all_images_as_the_papers_code_does_it(task, form):
    """Images that count neither way are left out of fit and judgement."""
    config = SVMConfig(workdir="x", svm_c=(0.5,), average_precision=form)
    whole = Classifiers(task, config).whole()
    expected = []
    for label in range(3):
        kept = task.train.states[:, label] >= 0
        shown = np.where(task.train.states[kept, label] == 1, 1, -1)
        weights = {1: 2, -1: 1}
        model = LinearSVC(C=0.5, class_weight=weights, dual=True, max_iter=20000)
        model.fit(unit(task.train_features[kept]), shown)
        judged = task.test.states[:, label] >= 0
        scores = model.decision_function(unit(task.test_features[judged]))
        truth = task.test.states[judged, label] == 1
        expected.append(average_precision(scores, truth, form))
    np.testing.assert_allclose(list(whole["per_class"].values()), expected, atol=3e-3)
    assert whole["map"] == pytest.approx(np.mean(list(whole["per_class"].values())))
    assert whole["c"] == dict.fromkeys(NAMES, 0.5)


@pytest.mark.parametrize("draw", ["class", "pool"])
def test_more_images_are_better_and_a_draw_is_its_seeds(task, draw):
    config = SVMConfig(workdir="x", draw=draw)
    svms = Classifiers(task, config)
    few = [svms.few(1, i) for i in range(5)]
    more = [svms.few(32, i) for i in range(5)]
    assert len(set(few)) == 5
    assert np.mean(few) + 0.1 < np.mean(more) < svms.whole()["map"] + 0.05
    assert np.std(few) > np.std(more)
    assert few[3] == Classifiers(task, config).few(1, 3)
    other = SVMConfig(workdir="x", draw=draw, seed=1)
    assert few[3] != Classifiers(task, other).few(1, 3)


def test_each_class_has_a_cost_of_its_own_choice(task, caplog):
    config = SVMConfig(workdir="x", svm_c=(1e-7, 0.3), shots=(0,))
    costs = Classifiers(task, config).whole()["c"]
    assert set(costs.values()) <= {1e-7, 0.3}
    svm_evaluation._warn_of_ends(costs, config.svm_c)
    assert "the best C of 3 of 3 classes is at an end of --svm_c" in caplog.text


def test_classes_that_cannot_be_judged_are_named(task, caplog):
    task.test.states[:, 1] = 0
    assert Classifiers(task, SVMConfig(workdir="x")).classes == [0, 2]
    assert "set: 1 of 3 classes are left out" in caplog.text
    assert caplog.text.endswith("shows: b\n")
    task.test.states[:] = 1
    with pytest.raises(UsageError, match="no class of set is shown by some and not"):
        Classifiers(task, SVMConfig(workdir="x"))


@pytest.mark.slow
def test_the_line_says_mean_and_spread_of_the_draws(unbroken, tmp_path, caplog):
    """Pictures that a script draws; the encoder is of other photos."""
    caplog.set_level(logging.INFO, "ressl_tf")
    listed = runpy.run_path(str(SCRIPT))["write"](tmp_path / "set", 60, 40)
    config = SVMConfig(
        workdir=str(unbroken[1]),
        dataset=f"list:{listed}",
        shots=(0, 2),
        draws=3,
        svm_c=(0.1, 1.0),
        output=str(tmp_path / "out"),
    )
    line = svm_evaluation.evaluate(config)
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == line
    (few,) = line["low_shot"]
    assert few["shots"] == 2
    assert few["map"] == pytest.approx(np.mean(few["draws"]))
    assert few["std"] == pytest.approx(np.std(few["draws"], ddof=1))
    assert (line["train_images"], line["test_images"], line["classes"]) == (60, 40, 5)
    assert list(line["per_class"]) == ["cross", "disc", "ring", "square", "triangle"]
    assert 0.1 < line["map"] < 1
    assert "2 images a class: mAP" in caplog.text
