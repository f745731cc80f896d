"""Run a sweep: from its config to rows, table and figure."""

import functools
import gc
import json
import logging
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from ressl_tf.config import Config
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import plots
from ressl_tf.runtime import flags
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.runtime.signals import Watch
from ressl_tf.sweeps import child, sweep_figure, sweep_table
from ressl_tf.sweeps.grid import runs
from ressl_tf.sweeps.one_run import Start, perform, row, stored

log = logging.getLogger("ressl_tf")


def sweep(config: SweepConfig, start: Start = child.run) -> Iterator[dict[str, Any]]:
    """Run the grid, one run after the other; resume where it stopped.

    Args:
        config: Config of the sweep.
        start: Runs a command line: (module, arguments) -> its result.

    Yields:
        The row of each run when it is done, then a summary. Until then, `runs.jsonl`,
        `table.md` and `sweep.png` hold the rows so far.

    Raises:
        UsageError: A run or the output is invalid; raised before the first run.
        RunError: A run has failed; raised after the last one.
        Interrupted: SIGTERM or SIGINT asked to stop; the current run has stopped too,
            and is saved.
    """
    planned = runs(config)
    with Workdir(config, flag="--output") as workdir, Watch() as watch:
        rows = []
        careful = functools.partial(_start_unless_asked, watch, start)
        for number, run in enumerate(planned, 1):
            if watch.asked:
                raise Interrupted(
                    f"stopped by {watch.asked} before run {number}", by=watch.asked
                )
            log.info("run %d of %d: %s", number, len(planned), run.name)
            before = row(run, stored(run))
            rows.append(perform(run, config.evaluate, careful))
            if rows[-1] != before or number == len(planned):
                report(config, rows, workdir.path)
            yield rows[-1]
    yield summary(rows, workdir.path)
    failed = [done for done in rows if done["status"] == "failed"]
    if failed:
        raise RunError(
            f"{len(failed)} of {len(rows)} runs failed, the first is "
            f"{failed[0]['run']}: {failed[0]['error']}; the same command tries again"
        )


def _start_unless_asked(
    watch: Watch, start: Start, module: str, arguments: Sequence[str]
) -> dict[str, Any]:
    """Start a command line, unless the sweep was asked to stop meanwhile."""
    if watch.asked:
        raise Interrupted(f"stopped by {watch.asked} before {module}", by=watch.asked)
    return start(module, arguments)


def plan(config: SweepConfig) -> Iterator[dict[str, Any]]:
    """Yield the names of all runs and of those that are done; nothing is run."""
    planned = runs(config)
    for run in planned:
        log.info("%s%s", run.name, " (done)" if stored(run) else "")
    yield {
        "runs": [run.name for run in planned],
        "done": [run.name for run in planned if stored(run)],
        "output": config.run_dir,
    }


def report(config: SweepConfig, rows: list[dict], folder: pathlib.Path) -> None:
    """Write `runs.jsonl`, `table.md` and `sweep.png`."""
    lines = "".join(json.dumps(done) + "\n" for done in rows)
    common = [
        flag
        for flag in flags.arguments(config, Config)
        if flag.partition("=")[0].removeprefix("--") not in rows[0]["flags"]
    ]
    shared = f"All runs: `{' '.join(common)}`\n\n" if common else ""
    page = f"# {title(config, rows)}\n\n{shared}{sweep_table.page(rows)}"
    for name, text in (("runs.jsonl", lines), ("table.md", page)):
        with replacing(folder / name) as temporary:
            temporary.write_text(text)
    trained = [done for done in rows if "same_as" not in done]  # no point twice
    plots.save(sweep_figure.draw(trained, title(config, rows)), folder / "sweep.png")
    gc.collect()  # figures refer to themselves, and would be kept for some runs


def title(config: SweepConfig, rows: list[dict]) -> str:
    """Return the main flags that all runs share, as text."""
    common = {
        "dataset": plots.shorten(config.dataset, 40),
        "method": config.method,
        "backbone": config.backbone,
        "epochs": f"{config.epochs} epochs",
    }
    if config.max_steps:
        common["max_steps"] = f"at most {config.max_steps} steps"
    swept = rows[0]["flags"]
    return ", ".join(text for flag, text in common.items() if flag not in swept)


def summary(rows: list[dict], folder: pathlib.Path) -> dict[str, Any]:
    """Return the last JSON line: counts of runs, the best one, paths of the output."""
    evaluated = [done for done in rows if done["knn_top1"] is not None]
    best = max(evaluated, key=lambda done: done["knn_top1"]) if evaluated else {}
    count = [done["status"] for done in rows].count
    return {
        "runs": len(rows),
        **{status: count(status) for status in ("ok", "collapsed", "failed")},
        "best_run": best.get("run"),
        "best_knn_top1": best.get("knn_top1"),
        "table": str(folder / "table.md"),
        "picture": str(folder / "sweep.png"),
        "output": str(folder),
    }
