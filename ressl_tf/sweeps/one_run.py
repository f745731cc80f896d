"""One run of a sweep: trained, judged, and the row that tells of it."""

import json
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from ressl_tf.runtime import flags
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError
from ressl_tf.sweeps.grid import Run

Start = Callable[[str, Sequence[str]], dict[str, Any]]
JUDGES = {  # name -> module, its flags besides --workdir, its figure's name in a row
    "knn": ("ressl_tf.knn", (), "knn_all_top1"),
    "linear": ("ressl_tf.linear", ("--solver=lbfgs",), "linear_top1"),
}
COLLAPSED = 0.1  # of 1/sqrt(dim): below, training warns too
FIGURES = ("loss", "knn_top1", "knn_top1_untrained", "embedding_std")


def perform(run: Run, judge: str, start: Start) -> dict[str, Any]:
    """Trains and judges what is not yet, and keeps it in `result.json` of the workdir.

    Args:
        run: of the grid.
        judge: a name of `JUDGES`, or none.
        start: runs a command line: (module, arguments) -> its result.

    Returns:
        The row of `row`; a run that fails has the reason in it.
    """
    done, error = stored(run), None
    try:
        if not done:
            trained = start("ressl_tf.train", flags.arguments(run.config))
            done = {"max_steps": run.config.max_steps, "train": trained}
            _keep(run, done)
        if judge in JUDGES and judge not in done:
            module, options, _ = JUDGES[judge]
            arguments = [f"--workdir={run.config.workdir}", *options]
            done = {**done, judge: start(module, arguments)}
            _keep(run, done)
    except RunError as failure:
        error = str(failure)
    return row(run, done, error)


def stored(run: Run) -> dict[str, Any]:
    """What `result.json` holds; empty when the run has not reached its last step."""
    path = _path(run)
    if not path.exists():
        return {}
    done = json.loads(path.read_text())
    # The one flag of where a run ends that may change from one start to the next.
    return done if done["max_steps"] == run.config.max_steps else {}


def row(run: Run, done: dict[str, Any], error: str | None = None) -> dict[str, Any]:
    """The JSON line of a run.

    Args:
        run: of the grid.
        done: as `result.json` holds it: train -> result, and that of each judge.
        error: why it failed.

    Returns:
        `flags` (those of the grid), `status` (ok, collapsed, failed), the results of
        training and judges, and `embedding_spread`: `embedding_std` relative to
        1/sqrt(dim), 1 when embeddings are spread evenly.
    """
    trained = done.get("train", {})
    figures = {name: trained.get(name) for name in FIGURES}
    spread = None
    if figures["embedding_std"] is not None:
        spread = figures["embedding_std"] * math.sqrt(run.config.embedding_dim)
    judged = {
        figure: done[judge]["top1"]
        for judge, (_, _, figure) in JUDGES.items()
        if judge in done
    }
    collapsed = spread is not None and spread < COLLAPSED
    return {
        "run": run.name,
        "flags": run.values,
        "status": "failed" if error else "collapsed" if collapsed else "ok",
        **figures,
        "embedding_spread": spread,
        **judged,
        "steps": trained.get("steps"),
        "images_per_second": trained.get("images_per_second"),
        "workdir": run.config.workdir,
        **({"error": error} if error else {}),
    }


def _path(run) -> pathlib.Path:
    return pathlib.Path(run.config.workdir, "result.json")


def _keep(run, done):
    with replacing(_path(run)) as temporary:
        temporary.write_text(json.dumps(done, indent=1) + "\n")
