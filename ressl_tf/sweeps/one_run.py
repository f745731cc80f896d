"""One run of a sweep: train it, evaluate it, report it as a row."""

import json
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from ressl_tf.config.evaluator_table import EVALUATORS
from ressl_tf.runtime import flags
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import RunError
from ressl_tf.runtime.stored import read_object
from ressl_tf.sweeps.grid import Run

Start = Callable[[str, Sequence[str]], dict[str, Any]]
COLLAPSED = 0.1  # of 1/sqrt(dim): below, training warns too
FIGURES = ("loss", "knn_top1", "knn_top1_untrained", "embedding_std")


def perform(run: Run, evaluation: str, start: Start) -> dict[str, Any]:
    """Train and evaluate a run, unless that is done; store it in its `result.json`.

    Args:
        run: A run of the grid.
        evaluation: A name of `config.evaluator_table`, or "none".
        start: Runs a command line: (module, arguments) -> its result.

    Returns:
        The row of `row`; that of a failed run holds the reason.
    """
    done, error = stored(run), None
    try:
        if not done:
            trained = start("ressl_tf.train", flags.arguments(run.config))
            made_with = _read(run).get("made_with")  # of the file of training
            done = {"max_steps": run.config.max_steps, "train": trained}
            done |= {"made_with": made_with} if made_with else {}
            _store(run, done)
        if evaluation in EVALUATORS and evaluation not in done:
            evaluator = EVALUATORS[evaluation]
            arguments = [f"--workdir={run.config.workdir}", *evaluator.flags]
            done = {**done, evaluation: start(evaluator.module, arguments)}
            _store(run, done)
    except RunError as failure:
        error = str(failure)
    return row(run, done, error)


def stored(run: Run) -> dict[str, Any]:
    """Return the contents of `result.json`; empty before the run's last step."""
    done = _read(run)
    # --max_steps may change from one start to the next; it moves the last step.
    # Without it the file is that of training, whose sweep was killed before it knew.
    return done if done.get("max_steps") == run.config.max_steps else {}


def _read(run: Run) -> dict[str, Any]:
    path = _path(run)
    return read_object(path) if path.exists() else {}


def row(run: Run, done: dict[str, Any], error: str | None = None) -> dict[str, Any]:
    """Return the JSON line of a run.

    Args:
        run: A run of the grid.
        done: Contents of `result.json`: "train" and each evaluation -> its result.
        error: Reason of a failure.

    Returns:
        `flags` (those of the grid), `status` (ok, collapsed, failed), the results of
        training and evaluations, and `embedding_spread`: `embedding_std` relative to
        1/sqrt(dim), 1 when embeddings are uniform on the sphere.
    """
    trained = done.get("train", {})
    figures = {name: trained.get(name) for name in FIGURES}
    spread = None
    if figures["embedding_std"] is not None:
        spread = figures["embedding_std"] * math.sqrt(run.config.embedding_dim)
    evaluated = {
        evaluator.figure: done[name]["top1"]
        for name, evaluator in EVALUATORS.items()
        if name in done
    }
    collapsed = spread is not None and spread < COLLAPSED
    return {
        "run": run.name,
        "flags": run.values,
        "status": "failed" if error else "collapsed" if collapsed else "ok",
        **figures,
        "embedding_spread": spread,
        **evaluated,
        "steps": trained.get("steps"),
        "images_per_second": trained.get("images_per_second"),
        "workdir": run.config.workdir,
        **({"same_as": run.same_as} if run.same_as else {}),
        **({"error": error} if error else {}),
    }


def _path(run) -> pathlib.Path:
    return pathlib.Path(run.config.workdir, "result.json")


def _store(run, done):
    with replacing(_path(run)) as temporary:
        temporary.write_text(json.dumps(done, indent=1) + "\n")
