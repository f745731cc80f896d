"""Train for hours in processes that are killed at random, and watch what they take.

    scripts/soak.sh --minutes=120 --workdir=runs/soak --dataset=folder:/photos

The workdir gets the run, soak.jsonl (a row every few seconds, and one for each kill),
soak.png and soak.json, which is printed too. The status is 1 where a process ended by
itself, memory grew by more than --most_mb in 100 epochs, or --compare found other
weights.
"""

import argparse
import functools
import json
import pathlib
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import soak_figure
import soak_summary
from killed_run import Ended, KilledRun, lives
from unbroken import compare

FLAGS = pathlib.Path(__file__).with_name("soak.flags")


def arguments(words: Sequence[str] | None = None) -> tuple[argparse.Namespace, list]:
    """Return the options, and the flags of the run that are left."""
    parser = argparse.ArgumentParser(
        "soak.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    option = functools.partial(parser.add_argument, metavar="N")
    option("--minutes", type=float, default=10, help="how long to train")
    option("--workdir", type=pathlib.Path, required=True, help="a new folder")
    option("--mean_minutes_between_kills", type=float, default=2.5, help="0: no kills")
    option("--seed", type=int, default=0, help="of the kills and of the run")
    option("--every", type=float, default=5, help="seconds between samples")
    option("--warm_up", type=float, default=30, help="epochs of a process left out")
    option("--most_mb", type=float, default=1, help="growth allowed in 100 epochs")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="train the same steps unbroken, about as long again, and compare weights",
    )
    return parser.parse_known_args(words)


def soak(run: KilledRun, options: argparse.Namespace) -> Ended:
    """Run processes until the time is over, or one ends by itself; the last saves."""
    end = time.monotonic() + 60 * options.minutes
    mean = options.mean_minutes_between_kills or float("inf")
    for seconds, how in lives(options.seed, mean):
        left = max(0.0, end - time.monotonic())
        last = seconds >= left
        ended = run.live(left, signal.SIGTERM) if last else run.live(seconds, how)
        if last or not ended.well or not ended.killed:
            return ended
        print(f"process {run.number} ended by {how.name}", file=sys.stderr, flush=True)
    raise AssertionError("lives do not end")


def report(options: argparse.Namespace, rows: list[dict], ended: Ended) -> dict:
    """Return the figures, and draw them."""
    title = f"{options.minutes:g} minutes, seed {options.seed}"
    soak_figure.write(rows, options.workdir / "soak.png", title)
    figures = soak_summary.summary(rows, options.warm_up)
    return {**figures, "ended_well": ended.well, "seed": options.seed}


def failed(options: argparse.Namespace, figures: dict[str, Any]) -> bool:
    """Return whether a promise was broken."""
    grown = figures["memory_mb_per_100_epochs"]
    leaks = grown is not None and grown > options.most_mb
    other = figures.get("same_as_unbroken") is False
    return leaks or other or not figures["ended_well"]


def main() -> int:
    """Soak; return the exit status."""
    options, flags = arguments()
    options.workdir = options.workdir.resolve()
    options.workdir.mkdir(parents=True)
    flags = [f"--flagfile={FLAGS}", f"--seed={options.seed}", *flags]
    rows: list[dict[str, Any]] = []

    def log(row: dict[str, Any]) -> None:
        rows.append(row)
        with open(options.workdir / "soak.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")

    run = KilledRun(options.workdir / "run", flags, log, options.every)
    figures = report(options, rows, soak(run, options))
    if options.compare and figures["ended_well"]:
        figures.update(compare(run, options.workdir / "unbroken"))
    text = json.dumps(figures)
    (options.workdir / "soak.json").write_text(text + "\n")
    print(text)
    return int(failed(options, figures))


if __name__ == "__main__":
    sys.exit(main())
