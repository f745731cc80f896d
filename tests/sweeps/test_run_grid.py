"""Sweeps: what is run, what is not run again, and what goes wrong."""

import gc
import json
import os
import signal
import weakref
from types import SimpleNamespace

import pytest
from helpers.sweeping import TEMPS, Runner, collect, lines, parse

from ressl_tf.runtime.errors import Interrupted, RunError, UsageError
from ressl_tf.sweeps import run_grid as sweeping


@pytest.fixture
def undrawn(monkeypatch):
    """Draw no pictures: they take most of the time."""
    monkeypatch.setattr(sweeping.sweep_figure, "draw", lambda *_: None)
    monkeypatch.setattr(sweeping.plots, "save", lambda *_, **__: None)


def test_rows_by_hand(tmp_path):
    config = parse(
        "--embedding_dim=64", "--grid=teacher_temp=.04,.05", f"--output={tmp_path}"
    )
    (row, collapsed, total), error = lines(config, Runner())
    assert error is None
    assert row == {
        "run": "teacher_temp=0.04",
        "flags": {"teacher_temp": 0.04},
        "status": "ok",
        "loss": 0.4,
        "knn_top1": 0.46,
        "knn_top1_untrained": 0.25,
        "embedding_std": 0.125,
        "embedding_spread": 1.0,
        "steps": 100,
        "images_per_second": 700.0,
        "workdir": f"{tmp_path}/teacher_temp=0.04",
    }
    assert collapsed["embedding_spread"] == pytest.approx(0.04)
    assert collapsed["status"] == "collapsed"
    assert total == {
        "runs": 2,
        "ok": 1,
        "collapsed": 1,
        "failed": 0,
        "best_run": "teacher_temp=0.04",
        "best_knn_top1": 0.46,
        "table": f"{tmp_path}/table.md",
        "picture": f"{tmp_path}/sweep.png",
        "output": str(tmp_path),
    }
    written = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [row, collapsed]
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(tmp_path, undrawn):
    output = f"--output={tmp_path}"
    first, second = Runner(), Runner()
    before, _ = lines(parse(TEMPS, output), first)
    grown = parse("--grid=teacher_temp=.03,.04,.06", output, "--evaluate=linear")
    after, _ = lines(grown, second)
    assert first.asked == [
        ("train", "teacher_temp=0.03"),
        ("train", "teacher_temp=0.04"),
    ]
    assert second.asked == [
        ("linear", "teacher_temp=0.03"),
        ("linear", "teacher_temp=0.04"),
        ("train", "teacher_temp=0.06"),
        ("linear", "teacher_temp=0.06"),
    ]
    assert after[0] == {**before[0], "linear_top1": 0.625}
    third = Runner()
    assert lines(grown, third)[0] == after
    assert third.asked == []


def test_more_steps_go_on_and_are_judged_anew(tmp_path, undrawn):
    output, judge = f"--output={tmp_path}", "--evaluate=knn"
    lines(parse(TEMPS, output, judge, "--max_steps=5"), Runner())
    longer = Runner()
    made, _ = lines(parse(TEMPS, output, judge, "--max_steps=9"), longer)
    assert [name for name, _ in longer.asked] == ["train", "knn", "train", "knn"]
    assert [row["steps"] for row in made[:2]] == [9, 9]
    assert made[0]["knn_all_top1"] == 0.625


def test_the_table_says_what_all_runs_have_in_common(tmp_path, undrawn):
    common = ["--width=0.5", "--teacher_temp=0.07", "--max_steps=9"]
    lines(parse(*common, TEMPS, f"--output={tmp_path}"), Runner())
    head = (tmp_path / "table.md").read_text().splitlines()[:3]
    assert head == [
        "# shapes, ressl, resnet18, 200 epochs, at most 9 steps",
        "",
        "All runs: `--width=0.5 --max_steps=9`",
    ]


def test_other_flags_need_another_folder(tmp_path, undrawn):
    lines(parse(TEMPS, f"--output={tmp_path}"), Runner())
    untouched = Runner()
    with pytest.raises(UsageError, match=r"--epochs=7 \(there: .*another --output"):
        lines(parse(TEMPS, f"--output={tmp_path}", "--epochs=7"), untouched)
    assert untouched.asked == []


def test_a_failed_run_is_told_and_tried_again(tmp_path):
    config = parse(TEMPS, f"--output={tmp_path}", "--evaluate=linear")
    wrong = {"teacher_temp=0.03": RunError("train: the loss is nan | at step 2")}
    made, error = lines(config, Runner(train=wrong))
    assert [row["status"] for row in made[:2]] == ["failed", "ok"]
    assert made[0]["error"] == "train: the loss is nan | at step 2"
    assert made[-1]["failed"] == 1
    assert "1 of 2 runs failed, the first is teacher_temp=0.03: train: the" in str(
        error
    )
    assert (
        "failed: train: the loss is nan \\| at step 2"
        in (tmp_path / "table.md").read_text()
    )
    again = Runner()
    made, error = lines(config, again)
    assert error is None
    assert [row["status"] for row in made[:2]] == ["ok", "ok"]
    assert {folder for _, folder in again.asked} == {"teacher_temp=0.03"}


def test_a_judge_that_fails_leaves_the_training(tmp_path, undrawn):
    config = parse(TEMPS, f"--output={tmp_path}", "--evaluate=linear")
    wrong = {"teacher_temp=0.04": RunError("linear: no labels")}
    made, _ = lines(config, Runner(linear=wrong))
    assert made[1]["status"] == "failed"
    assert made[1]["knn_top1"] == 0.46
    again = Runner()
    lines(config, again)
    assert again.asked == [("linear", "teacher_temp=0.04")]


def test_interrupted_it_goes_on_where_it_stopped(tmp_path, undrawn):
    config = parse("--grid=teacher_temp=.03,.04,.06", f"--output={tmp_path}")
    wrong = {"teacher_temp=0.04": Interrupted("stopped")}
    made, error = collect(config, Runner(train=wrong))
    assert [row["run"] for row in made] == ["teacher_temp=0.03"]
    assert isinstance(error, Interrupted)
    again = Runner()
    assert len(lines(config, again)[0]) == 4
    assert [folder for _, folder in again.asked] == [
        "teacher_temp=0.04",
        "teacher_temp=0.06",
    ]


def test_a_sweep_asked_between_two_runs_begins_no_other(tmp_path, undrawn):
    config, runner = parse(TEMPS, f"--output={tmp_path}"), Runner()

    def start(module, arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return runner(module, arguments)

    made, error = collect(config, start)
    assert len(made) == 1
    assert (str(error), error.status) == ("stopped by SIGTERM before run 2", 143)


def test_a_sweep_asked_between_training_and_evaluation_begins_no_evaluation(
    tmp_path, undrawn
):
    config = parse(TEMPS, f"--output={tmp_path}", "--evaluate=linear")
    runner = Runner()

    def start(module, arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return runner(module, arguments)

    made, error = collect(config, start)
    assert (made, len(runner.asked)) == ([], 1)
    assert (str(error), error.status) == (
        "stopped by SIGINT before ressl_tf.linear",
        130,
    )


def test_a_flag_without_meaning_trains_once_and_draws_one_point(tmp_path, monkeypatch):
    drawn = []
    figures = SimpleNamespace(draw=lambda rows, title: drawn.append(rows))
    monkeypatch.setattr(sweeping, "sweep_figure", figures)
    monkeypatch.setattr(sweeping.plots, "save", lambda *_, **__: None)
    runner = Runner()
    config = parse("--method=byol", "--grid=beta0=.1,.2", f"--output={tmp_path}")
    (first, second, _), _ = lines(config, runner)
    assert runner.asked == [("train", "beta0=0.1")]
    names = ("run", "flags", "same_as")
    assert {k: v for k, v in second.items() if k not in names} == {
        k: v for k, v in first.items() if k not in names
    }
    assert second["same_as"] == "beta0=0.1"
    assert drawn[-1] == [first]
    assert "ok, trained as beta0=0.1" in (tmp_path / "table.md").read_text()


def test_no_figure_is_kept(tmp_path, monkeypatch, undrawn):
    """One refers to itself, so that Python alone frees it some runs later."""

    class Figure:
        pass

    kept = []

    def draw(*_):
        figure = Figure()
        figure.axes = [figure]
        kept.append(weakref.ref(figure))
        return figure

    monkeypatch.setattr(sweeping.sweep_figure, "draw", draw)
    gc.disable()
    try:
        lines(parse(TEMPS, f"--output={tmp_path}"), Runner())
        assert [figure() for figure in kept] == [None] * len(kept)
    finally:
        gc.enable()
    assert kept
