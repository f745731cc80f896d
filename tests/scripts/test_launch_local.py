"""The script that starts, ends and restarts the processes of one machine."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [[], ["two"], ["0"]])
def test_the_launcher_asks_for_a_number_of_processes(arguments):
    command = ["bash", "scripts/launch_local.sh", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "usage: scripts/launch_local.sh [--restarts=N] NUMBER"
    )


CHIEF_AND_WORKER = """#!/usr/bin/env bash
[[ $1 == -c ]] && echo 4000 && exit  # asked for a port
[[ $* == *--worker_index=0* ]] && seconds=0.5 status=143 || seconds=0 status=1
trap 'sleep $seconds; exit $status' TERM
echo started
while :; do sleep 0.05; done
"""


def test_the_launcher_waits_for_the_chief_and_ends_as_it_does(tmp_path):
    """The chief saves for a while; the other ends at once, with another status."""
    python = tmp_path / "python"
    python.write_text(CHIEF_AND_WORKER)
    python.chmod(0o755)
    command = ["bash", "scripts/launch_local.sh", "2"]
    options = {"env": {**os.environ, "PYTHON": str(python)}, "text": True}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, **options
    ) as launcher:
        for _ in range(2):
            assert launcher.stdout.readline() == "started\n"
        launcher.terminate()
        try:
            assert launcher.wait(20) == 143
        finally:
            launcher.kill()


FAILS = """#!/usr/bin/env bash
[[ $1 == -c ]] && echo 4000 && exit
for word in "$@"; do [[ $word == --worker_index=* ]] && index=${word#*=}; done
echo "$index" >> "$LOG"
starts=$(grep -c "^$index$" "$LOG")
((index)) || exit "$(sed -n "${starts}p" "$STATUSES")"
exec sleep "$HANG"
"""


def launched(tmp_path, statuses, restarts, hang=0, patience=20):
    """Launch two: the chief ends with one status after another; the other may hang.

    Returns:
        Exit status, starts of each process, stderr.
    """
    python, log = tmp_path / "python", tmp_path / "log"
    python.write_text(FAILS)
    python.chmod(0o755)
    (tmp_path / "statuses").write_text("".join(f"{s}\n" for s in statuses))
    told = {"PYTHON": python, "LOG": log, "STATUSES": tmp_path / "statuses"}
    told |= {"HANG": hang, "PATIENCE": patience}
    env = {**os.environ, **{name: str(value) for name, value in told.items()}}
    command = ["bash", "scripts/launch_local.sh", f"--restarts={restarts}", "2"]
    options = {"cwd": ROOT, "env": env, "text": True, "timeout": 60}
    done = subprocess.run(command, capture_output=True, **options)
    words = log.read_text().split()
    return done.returncode, (words.count("0"), words.count("1")), done.stderr


@pytest.mark.parametrize(
    ("statuses", "restarts", "status", "starts"),
    [
        ([1, 137, 0], 3, 0, 3),  # lost workers, a kill, then all is well
        ([1, 1, 1], 1, 1, 2),  # no more than was asked for
        ([1], 0, 1, 1),
        ([2, 0], 3, 2, 1),  # a wrong flag stays wrong
        ([143, 0], 3, 143, 1),  # it was to stop
        ([138, 0], 3, 138, 1),
    ],
)
def test_failed_processes_are_restarted(tmp_path, statuses, restarts, status, starts):
    code, started, said = launched(tmp_path, statuses, restarts)
    assert (code, started) == (status, (starts, starts))
    assert said.count("launch_local: status") == starts - 1


def test_a_process_that_hangs_after_another_has_failed_is_killed(tmp_path):
    code, started, said = launched(tmp_path, [1], 0, hang=600, patience=1)
    assert (code, started) == (1, (1, 1))
    assert "1 of 2 processes hang, 1 s after one has failed; killed" in said
