"""`python -m ressl_tf.train` in processes of its own."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DEMO = ["--flagfile=configs/demo.flags", "--epochs=3", "--warmup_epochs=1"]
QUICK = [*DEMO, "--width=0.0625", "--split=train[:640]", "--knn_every=0"]


def start(*flags):
    command = [sys.executable, "-m", "ressl_tf.train", *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **pipes)


def train(*flags):
    process = start(*flags)
    out, err = process.communicate(timeout=900)
    return process.returncode, out, err


def result(*flags):
    status, out, err = train(*flags)
    assert status == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return result(*QUICK, f"--workdir={tmp_path_factory.mktemp('unbroken')}")


@pytest.mark.slow
def test_stdout_is_one_json_line_and_stderr_the_progress(tmp_path):
    status, out, err = train(*QUICK, f"--workdir={tmp_path}", "--max_steps=12")
    assert status == 0
    (line,) = out.splitlines()
    keys = (
        "method dataset backbone epochs steps loss knn_top1 knn_top1_untrained "
        "embedding_std images_per_second seed weights_sha256 workdir"
    )
    assert set(keys.split()) <= set(json.loads(line))
    assert "loss:" in err


@pytest.mark.slow
def test_the_same_command_gives_the_same_hash(unbroken, tmp_path):
    again = result(*QUICK, f"--workdir={tmp_path}")
    assert again["weights_sha256"] == unbroken["weights_sha256"]
    assert again["steps"] == 30


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(unbroken, tmp_path):
    """SIGKILL as soon as the first checkpoint is there."""
    process = start(*QUICK, f"--workdir={tmp_path}")
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("checkpoints/step-*")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    resumed = result(*QUICK, f"--workdir={tmp_path}")
    assert resumed["weights_sha256"] == unbroken["weights_sha256"]
    assert resumed["steps"] == 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dataset=folder:/no/such/folder"], "No such folder"),
        (["--dataset=cifra10"], "cifar10"),
        (["--dataset=imagenet2012", "--data_dir=nothing-here"], "--download"),
        (["--dataset=shapes", "--batch_size=6000"], "5000"),
        (["--dataset=shapes", "--image_size=64"], "32 pixels"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(flags, expected, tmp_path):
    status, out, err = train(*flags, f"--workdir={tmp_path}/run")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert expected in line
    assert not os.path.exists(tmp_path / "run" / "checkpoints")
