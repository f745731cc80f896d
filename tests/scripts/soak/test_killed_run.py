"""Which kills are drawn, and what is taken for a good end."""

import itertools
import signal
import statistics
import subprocess
import sys

import killed_run
import pytest
import resources
from killed_run import Ended, KilledRun, lives

WAITS = "import signal, sys, time\n"
SAVES = WAITS + "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
SLEEPS = "print('up', flush=True)\ntime.sleep(60)\n"


class Fake(KilledRun):
    """A run whose processes are a line of Python."""

    body = "pass"

    def _start(self):
        self.number += 1
        pipe = subprocess.PIPE
        process = subprocess.Popen([sys.executable, "-c", self.body], stdout=pipe)
        with process.stdout as said:
            said.readline()
        return process


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text('{"epoch": 3.5, "step": 7}\n')
    rows = []
    made = Fake(tmp_path / "run", [], rows.append, every=0.05)
    made.rows = rows
    return made


@pytest.mark.parametrize(
    ("body", "how", "well"),
    [
        (SAVES + SLEEPS, signal.SIGTERM, True),  # as a run that is saved
        (WAITS + SLEEPS, signal.SIGTERM, True),  # as one that loads TensorFlow
        (SAVES + SLEEPS, signal.SIGKILL, True),
        (SAVES.replace("143", "1") + SLEEPS, signal.SIGTERM, False),
    ],
)
def test_a_process_is_watched_and_killed(run, body, how, well):
    run.body = body
    ended = run.live(0.3, how)
    assert (ended.killed, ended.well) == (how, well)
    *samples, kill = run.rows
    assert kill["killed"] == how.name
    assert samples[0]["epoch"] == 3.5
    assert samples[-1]["memory_mb"] > 1
    assert samples[-1]["threads"] == 1
    assert samples[-1]["open_files"] >= 3
    assert {row["process"] for row in run.rows} == {1}


@pytest.mark.parametrize(("status", "well"), [(0, True), (1, False), (-11, False)])
def test_a_process_that_ends_by_itself(run, status, well):
    run.body = f"import os, signal\nos.kill(os.getpid(), {-status})"
    if status >= 0:
        run.body = f"raise SystemExit({status})"
    ended = run.live(60, signal.SIGKILL)
    assert (ended, ended.well) == (Ended(status), well)


def test_lives_are_drawn_by_the_seed():
    drawn, again, other = (
        list(itertools.islice(lives(seed, 2.0), 4000)) for seed in (0, 0, 1)
    )
    assert drawn == again != other
    seconds = [life for life, _ in drawn]
    assert statistics.mean(seconds) == pytest.approx(120, rel=0.1)
    assert sum(life > 600 for life in seconds) / 4000 > 0.02  # memory can be followed
    kinds = [how for _, how in drawn]
    assert set(kinds) == set(killed_run.ENDS_BY)
    assert kinds.count(signal.SIGTERM) == pytest.approx(2000, rel=0.1)


def test_the_bytes_of_a_folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(bytes(2**20))
    (tmp_path / "deep" / "b").write_bytes(bytes(2**19))
    assert resources.of_folder(tmp_path) == pytest.approx(1.5, abs=0.02)
    assert resources.of_process(2**30) == {}
