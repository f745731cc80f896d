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


def alone(*flags):
    """Run as a user does: TensorFlow is imported, and says nothing meanwhile."""
    command = [sys.executable, "-m", "ressl_tf.train", *flags]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    return done.returncode, done.stdout, done.stderr


def result(commands, *flags):
    status, out, err = commands.run("train", *flags)
    assert status == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def unbroken(commands, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return result(commands, *QUICK, f"--workdir={folder}")


@pytest.mark.slow
def test_stdout_is_one_json_line_and_stderr_the_progress(tmp_path):
    status, out, err = alone(*QUICK, f"--workdir={tmp_path}", "--max_steps=12")
    assert status == 0
    (line,) = out.splitlines()
    keys = (
        "method dataset backbone epochs steps loss knn_top1 knn_top1_untrained "
        "embedding_std images_per_second seed weights_sha256 workdir"
    )
    assert set(keys.split()) <= set(json.loads(line))
    assert "    embedding_std" in err  # of the epoch's line
    assert f"next: python -m ressl_tf.plot --workdir={tmp_path}" in err


@pytest.mark.slow
def test_the_same_command_gives_the_same_hash(commands, unbroken, tmp_path):
    again = result(commands, *QUICK, f"--workdir={tmp_path}")
    assert again["weights_sha256"] == unbroken["weights_sha256"]
    assert again["steps"] == 30


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(commands, unbroken, tmp_path):
    """SIGKILL as soon as the first checkpoint is there."""
    process = commands.start("train", *QUICK, f"--workdir={tmp_path}")
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("checkpoints/step-*")):
        assert process.poll() is None, process.stderr.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    resumed = result(commands, *QUICK, f"--workdir={tmp_path}")
    assert resumed["weights_sha256"] == unbroken["weights_sha256"]
    assert resumed["steps"] == 30


def check_mistake(said, expected, folder):
    status, out, err = said
    assert (status, out) == (2, "")
    (line,) = [text for text in err.splitlines() if text.startswith("error: ")]
    assert "Traceback" not in err  # a stage that takes long may be named before
    assert err.endswith(f"{line}\n")
    assert expected in line
    assert not os.path.exists(folder / "run" / "checkpoints")


@pytest.mark.slow
def test_a_users_mistake_is_all_that_a_process_of_its_own_says(tmp_path):
    flags = ["--dataset=folder:/no/such/folder", f"--workdir={tmp_path}/run"]
    check_mistake(alone(*flags), "No such folder", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dataset=cifra10"], "cifar10"),
        (["--dataset=imagenet2012", "--data_dir=nothing-here"], "--download"),
        (["--dataset=shapes", "--batch_size=6000"], "5000"),
        (["--dataset=shapes", "--image_size=64"], "32 pixels"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(flags, expected, commands, tmp_path):
    said = commands.run("train", *flags, f"--workdir={tmp_path}/run")
    check_mistake(said, expected, tmp_path)
