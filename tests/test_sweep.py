"""`python -m ressl_tf.sweep`: a dry run, its output, and two real runs."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from helpers.models import TINY
from helpers.sweeping import TEMPS, parse

from ressl_tf import sweep
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.runtime import command
from ressl_tf.runtime.errors import RunError

ROOT = pathlib.Path(__file__).parents[1]


def test_a_dry_run_lists_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (line,) = sweep.main(parse("--dataset=folder:/p/cats/", TEMPS, "--dry_run"))
    assert line == {
        "runs": ["teacher_temp=0.03", "teacher_temp=0.04"],
        "done": [],
        "output": "runs/sweep-cats-teacher_temp",
    }
    assert not list(tmp_path.iterdir())


def test_lines_come_as_runs_are_done(capsys):
    """The result of a command may be several; a failure after them is status 1."""

    def main(config):
        yield {"run": 1}
        assert json.loads(capsys.readouterr().out) == {"run": 1}
        yield {"runs": 1}
        raise RunError("1 of 1 failed")

    assert command.run(main, SweepConfig, "", [TEMPS], tensorflow=False) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ('{"runs": 1}\n', "error: 1 of 1 failed\n")


def start(*arguments):
    tiny = [f"--{name}={value}" for name, value in TINY.items()]
    words = [sys.executable, "-m", "ressl_tf.sweep", *tiny, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=ROOT, start_new_session=True, **pipes)


@pytest.mark.slow
def test_two_real_runs_interrupted_and_resumed(photos, tmp_path):
    """Ctrl-C, which reaches the sweep and its run, as soon as a checkpoint is there."""
    flags = [f"--dataset=folder:{photos}", TEMPS, f"--output={tmp_path}"]
    child = start(*flags)
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("*/checkpoints/step-*")):
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=600)
    assert child.returncode == 130, err
    assert json.loads(out)["interrupted"]
    assert "stopped by SIGINT after step" in err
    assert err.splitlines()[-1].endswith("; the same command goes on from here")
    child = start(*flags, "--evaluate=linear")
    out, err = child.communicate(timeout=900)
    assert child.returncode == 0, err
    first, second, total = map(json.loads, out.splitlines())
    assert "going on from" in err
    assert total["ok"] + total["collapsed"] == total["runs"] == 2
    for each in (first, second):
        assert each["steps"] == 9
        assert 0.5 <= each["linear_top1"] <= 1
        rows = pathlib.Path(each["workdir"], "metrics.jsonl").read_text().splitlines()
        assert json.loads(rows[-1])["knn_top1"] == each["knn_top1"]
    assert first["loss"] != second["loss"]
    assert "linear_top1" in (tmp_path / "table.md").read_text()
