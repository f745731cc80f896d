"""Processes that are killed, and what the next one makes of what they leave."""

import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from helpers.models import TINY

from ressl_tf.runtime import signals
from ressl_tf.runtime.atomic import TEMPORARY

ROOT = pathlib.Path(__file__).parents[1]
# When each process dies: while it writes the n-th file whose name begins so, or after
# so many seconds.
WRITES = [
    ("views.png", 1),
    ("step-", 1),
    ("step-", 3),
    ("metrics.jsonl", 2),
    ("step-", 4),
    ("metrics.jsonl", 1),
    ("step-", 6),
    ("neighbours.png", 1),
]
DRAW = random.Random(3)
SECONDS = [DRAW.uniform(0.5, 9) for _ in range(4)]
KILLS = [*WRITES[:3], *SECONDS[:2], *WRITES[3:6], *SECONDS[2:], *WRITES[6:]]


def flags(photos, folder, *more):
    tiny = {**TINY, "epochs": 20, "knn_every": 0, "checkpoint_every_steps": 1}
    words = [f"--{name}={value}" for name, value in tiny.items()]
    return [*words, f"--dataset=folder:{photos}", f"--workdir={folder}", *more]


def rows(folder):
    """Return the log without what is measured by the clock."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    clock = dict.fromkeys(("images_per_second", "input_wait"))
    return [{**json.loads(line), **clock} for line in lines]


def last_checkpoint(folder):
    return dict(np.load(max((folder / "checkpoints").glob("step-*.npz"))))


class DieWhileWriting:
    """Send this process SIGKILL when half of a file is on the disk."""

    def __init__(self, name, count):
        self.name, self.count = name, count

    def __call__(self):
        from ressl_tf.runtime import atomic

        self.flush, atomic._flush = atomic._flush, self.flush_or_die

    def flush_or_die(self, path):
        self.count -= path.name.startswith(f".{self.name}")
        if self.count == 0:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        self.flush(path)


class SignalTwice:
    """Send this process a signal after a step, twice within a second."""

    def __init__(self, number, step):
        self.number, self.step = number, step

    def __call__(self):
        from ressl_tf.engine.progress import Progress

        shown = Progress.on_train_batch_end

        def show(progress, batch, logs):
            shown(progress, batch, logs)
            if progress.model.step == self.step:
                for _ in range(2):  # from the process group, say
                    os.kill(os.getpid(), self.number)

        Progress.on_train_batch_end = show


def result(commands, words):
    status, out, err = commands.run("train", *words)
    assert status == 0, err
    return json.loads(out)


def killed(commands, words, moment):
    """Start a run that is killed at a moment; return how it ended."""
    if isinstance(moment, float):
        process = commands.start("train", *words)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    else:
        process = commands.start("train", *words, first=DieWhileWriting(*moment))
    process.communicate()
    return process.returncode


@pytest.mark.slow
def test_a_run_killed_at_every_turn_equals_an_unbroken_one(commands, photos, tmp_path):
    """One run, killed and started again by the same command until it is done."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = result(commands, flags(photos, whole))
    halves = 0
    for moment in KILLS:
        status = killed(commands, flags(photos, broken), moment)
        assert status == -signal.SIGKILL, moment
        left = [*broken.glob(TEMPORARY), *broken.glob(f"checkpoints/{TEMPORARY}")]
        halves += len(left)
    done = result(commands, flags(photos, broken))
    for key in ("images_per_second", "workdir"):
        done.pop(key), expected.pop(key)
    assert done == expected
    assert rows(broken) == rows(whole)
    arrays, others = last_checkpoint(broken), last_checkpoint(whole)
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)
    assert halves >= len(WRITES)  # the next process removes them
    assert not [*broken.glob(TEMPORARY), *broken.glob(f"checkpoints/{TEMPORARY}")]


@pytest.mark.slow
def test_sigterm_and_sigint_save_inside_an_epoch(commands, photos, unbroken, tmp_path):
    """The checkpoint is of the step that was at work, and the run goes on from it."""
    folder = tmp_path / "run"
    words = flags(photos, folder, "--checkpoint_every_steps=0")
    words += ["--epochs=3", "--knn_every=2"]  # those of `unbroken`
    for number, asked in ((signal.SIGTERM, 2), (signal.SIGINT, 4)):
        process = commands.start("train", *words, first=SignalTwice(number, asked))
        line, said = process.communicate()
        assert process.returncode == 128 + number, said
        how = said.splitlines()[-1]
        step = json.loads(line)["steps"]
        assert step == asked
        assert json.loads(line) == {
            "interrupted": True,
            "steps": step,
            "workdir": str(folder),
        }
        name = signal.Signals(number).name
        assert how.endswith(
            f"stopped by {name} after step {step}; the same command goes on from here"
        )
        paths = sorted((folder / "checkpoints").glob("step-*"))
        assert paths[-1].name == f"step-{step:09d}.npz"
    assert result(commands, words)["weights_sha256"] == unbroken[0]["weights_sha256"]
    assert rows(folder) == rows(unbroken[1])


class HangAfter:
    """Let a step take for ever, in which a signal comes that no handler can see."""

    def __init__(self, number, step):
        self.number, self.step = number, step

    def __call__(self):
        from ressl_tf.engine.callbacks import WatchNaN

        checked = WatchNaN.on_train_batch_end

        def hang(callback, batch, logs):
            checked(callback, batch, logs)
            if callback.model.step == self.step:
                later = threading.Timer(0.3, os.kill, (os.getpid(), self.number))
                later.start()
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

        WatchNaN.on_train_batch_end = hang


@pytest.mark.slow
def test_a_step_that_outlasts_the_grace_time(commands, photos, unbroken, tmp_path):
    """The last checkpoint is named, the process ends in time, and the run goes on."""
    folder = tmp_path / "run"
    words = flags(photos, folder, "--epochs=3", "--knn_every=2", "--grace_seconds=1")
    words.append("--checkpoint_every_steps=2")
    process = commands.start("train", *words, first=HangAfter(signal.SIGUSR1, 3))
    line, said = process.communicate(120)
    assert process.returncode == 128 + signal.SIGUSR1, said
    assert json.loads(line) == {
        "interrupted": True,
        "steps": 2,
        "workdir": str(folder),
    }
    kept = folder / "checkpoints" / "step-000000002.npz"
    assert said.splitlines()[-1] == (
        f"{folder}: SIGUSR1 came, and the work at hand did not end within "
        f"--grace_seconds=1; the last checkpoint is {kept}; the same command goes on "
        "from here"
    )
    assert result(commands, words)["weights_sha256"] == unbroken[0]["weights_sha256"]


@pytest.mark.slow
def test_a_second_signal_ends_at_once(tmp_path):
    """A step that takes forever is not waited for."""
    body = (
        "import sys, time\nfrom ressl_tf.runtime.signals import Watch\n"
        "with Watch() as watch:\n    print('ready', flush=True)\n"
        "    while True:\n        time.sleep(0.1)\n"
        "        watch.asked and print(watch.asked, flush=True)\n"
    )
    pipes = {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", body], cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "SIGTERM\n"
        process.send_signal(signal.SIGTERM)
        time.sleep(signals.ONE_REQUEST)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
