#!/usr/bin/env python3
"""Train twice by the same flags, once killed N times, and compare the ends.

    scripts/kill_and_resume.py 5 runs/proof --flagfile=configs/demo.flags --max_steps=90

Kills come by SIGKILL, some checkpoints after each start: at a moment drawn from a fixed
seed, every second time while a checkpoint is being written. Prints one JSON line.
"""

import json
import pathlib
import random
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]
MEASURED = ("images_per_second", "workdir")


def start(folder: pathlib.Path, flags: list[str]) -> subprocess.Popen:
    """Start a run in a folder; its stderr is appended to a file beside it."""
    command = [sys.executable, "-m", "ressl_tf.train", *flags, f"--workdir={folder}"]
    with open(f"{folder}.log", "a") as log:
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
        )


def finish(process: subprocess.Popen) -> dict:
    """Return its JSON line without what is measured by the clock."""
    out = process.communicate()[0]
    assert process.returncode == 0, f"status {process.returncode}"
    line = json.loads(out.splitlines()[-1])
    return {name: value for name, value in line.items() if name not in MEASURED}


def rows(folder: pathlib.Path) -> list[dict]:
    """Return the log without what is measured by the clock."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {**json.loads(line), "images_per_second": None, "input_wait": None}
        for line in lines
    ]


def kill(process: subprocess.Popen, folder: pathlib.Path, draw: random.Random) -> str:
    """Let it save one to three checkpoints, then kill it; return the last name."""
    writing = draw.random() < 0.5
    wanted, before = draw.randint(1, 3), last(folder)
    while wanted:
        assert process.poll() is None, "it ended before it was killed"
        if last(folder) != before:
            wanted, before = wanted - 1, last(folder)
        time.sleep(1e-3)
    if writing:
        while not list(folder.glob("checkpoints/.*.tmp")):
            assert process.poll() is None, "it ended before it was killed"
    else:
        time.sleep(draw.random())
    process.kill()
    process.communicate()
    half = list(folder.glob("checkpoints/.*.tmp"))
    return last(folder) + (" and half of the next" if half else "")


def last(folder: pathlib.Path) -> str:
    """Return the name of the newest checkpoint."""
    return max((path.stem for path in folder.glob("checkpoints/step-*")), default="")


def main(kills: int, folder: pathlib.Path, flags: list[str]) -> int:
    """Run both; return the exit status."""
    folder.mkdir(parents=True)
    folder = folder.resolve()
    whole, broken, draw = folder / "whole", folder / "broken", random.Random(0)
    expected, killed = finish(start(whole, flags)), []
    for _ in range(kills):
        killed.append(kill(start(broken, flags), broken, draw))
        print(f"killed after {killed[-1]}", file=sys.stderr, flush=True)
    result = finish(start(broken, flags))
    same = result == expected and rows(broken) == rows(whole)
    print(json.dumps({"same": same, "killed_after": killed, **result}))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]))
