"""One encoder on several sets of images: a row a set, and one table."""

import csv
import functools
import hashlib
import io
import json
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.config.transfer_config import ConfigT, TransferConfig
from ressl_tf.engine.checkpoint import sha256_of
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import knn_evaluation, linear_probe, svm_evaluation
from ressl_tf.evaluate.embeddings.examples import Examples
from ressl_tf.evaluate.task import random_weights
from ressl_tf.runtime.atomic import replacing
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError
from ressl_tf.runtime.file_names import printable
from ressl_tf.runtime.markdown import table
from ressl_tf.runtime.signals import Watch
from ressl_tf.saving.pretrained import open_pretrained

log = logging.getLogger("ressl_tf")
FIGURES = {"knn": "top1", "linear": "top1", "svm": "map"}  # key of the result
TITLES = {"knn": "kNN top-1", "linear": "linear top-1", "svm": "SVM mAP"}
SIZES = ("train_images", "test_images")
Row = dict[str, Any]


def transfer(config: TransferConfig) -> Iterator[Row]:
    """Evaluate on each set in turn.

    A row that is done is not made again, while the encoder's weights are the same.

    Yields:
        The row of each set: `dataset`, `status`, the figures, and `error` where it has
        failed; then a summary. The folder has them in `rows.jsonl`, `table.md` and
        `table.csv`.

    Raises:
        UsageError: the encoder cannot be used, or the folder not be written.
        RunError: a set has failed; raised after the last one.
        Interrupted: SIGTERM or SIGINT asked to stop.
    """
    pretrained = open_pretrained(config.source, config.model_selection)
    encoder = pretrained.encoder
    if config.untrained:
        encoder = random_weights(encoder, config.seed)
    weights = sha256_of([encoder])
    names = config.dataset or (pretrained.data_or("", "")[0],)
    with Workdir(config, flag="--output") as workdir, Watch() as watch:
        rows: list[Row] = []
        before = {_key(row): row for row in _read(workdir.path)}
        for name in names:
            if watch.asked:
                raise Interrupted(f"stopped by {watch.asked}", by=watch.asked)
            known = before.get((name, weights), {"weights": weights})
            rows.append(_row(config, name, known))
            _write(config, rows, workdir.path)
            yield rows[-1]
    log.info("%s", _table(config, rows))
    yield _summary(config, rows)
    if failed := [row for row in rows if row["status"] == "failed"]:
        raise RunError(
            f"{len(failed)} of {len(rows)} sets failed, the first is "
            f"{failed[0]['dataset']}: {failed[0]['error']}; the same command tries "
            "again"
        )


def _row(config: TransferConfig, name: str, known: Row) -> Row:
    """Make what a row lacks; an evaluation that fails leaves the others as they are."""
    row = {"dataset": name, "status": "ok", **known}
    row.pop("error", None)
    errors: list[str] = []
    evaluations = _Evaluations(config, name)
    for evaluation in [each for each in config.evaluations if each not in row]:
        try:
            figures = getattr(evaluations, evaluation)()
            row[evaluation] = figures[FIGURES[evaluation]]
            row.update({size: figures[size] for size in SIZES})
        except (UsageError, RunError) as error:
            log.warning("%s: %s: %s", name, evaluation, error)
            errors.append(printable(str(error)))
    if errors:
        return {**row, "status": "failed", "error": "; ".join(dict.fromkeys(errors))}
    return {**row, "status": "ok"}


class _Evaluations:
    """The evaluations on one set; kNN and linear share their features."""

    def __init__(self, config: TransferConfig, name: str):
        self.config, self.name = config, name
        self.folder = pathlib.Path(config.run_dir, _folder_name(name))

    def _of(self, cls: type[ConfigT], **flags: Any) -> ConfigT:
        output = str(self.folder / cls.command)
        return self.config.of(cls, self.name, output=output, **flags)

    @functools.cached_property
    def _examples(self) -> Examples:
        return knn_evaluation.computed(self._of(KNNConfig))

    def knn(self) -> Row:
        return knn_evaluation.evaluate_examples(self._of(KNNConfig), self._examples)

    def linear(self) -> Row:
        config = self._of(LinearConfig, solver="lbfgs")
        return linear_probe.evaluate_examples(config, self._examples)

    def svm(self) -> Row:
        return svm_evaluation.evaluate(self._of(SVMConfig, shots=(0,)))


def _folder_name(dataset: str) -> str:
    """Return a name for the folder of a set's results, that no other set has."""
    plain = "".join(c if c.isalnum() or c in "._-" else "_" for c in dataset)
    return f"{plain[-60:]}-{hashlib.sha256(dataset.encode()).hexdigest()[:6]}"


def _key(row: Row) -> tuple[str, str]:
    return row["dataset"], row["weights"]


def _read(folder: pathlib.Path) -> list[Row]:
    path = folder / "rows.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def _write(config: TransferConfig, rows: list[Row], folder: pathlib.Path) -> None:
    """Write `rows.jsonl`, `table.md` and `table.csv`; rows of other sets stay."""
    made = set(map(_key, rows))
    others = [row for row in _read(folder) if _key(row) not in made]
    lines = "".join(json.dumps(row) + "\n" for row in [*rows, *others])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ["dataset", *SIZES, *config.evaluations, "status", "error"]
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    for name, content in (
        ("rows.jsonl", lines),
        ("table.md", _table(config, rows) + "\n"),
        ("table.csv", text.getvalue()),
    ):
        with replacing(folder / name) as temporary:
            temporary.write_text(content)


def _table(config: TransferConfig, rows: list[Row]) -> str:
    """Return the table in Markdown."""
    titles = [
        "set",
        "train",
        "test",
        *(TITLES[e] for e in config.evaluations),
        "status",
    ]
    lines = []
    for row in rows:
        sizes = [f"{row[size]:,}" if size in row else "-" for size in SIZES]
        cells = [f"{row[e]:.1%}" if e in row else "-" for e in config.evaluations]
        reason = f": {row['error']}" if "error" in row else ""
        lines.append([row["dataset"], *sizes, *cells, row["status"] + reason])
    return table(titles, lines)


def _summary(config: TransferConfig, rows: list[Row]) -> Row:
    statuses = [row["status"] for row in rows]
    folder = pathlib.Path(config.run_dir)
    return {
        "command": config.command,
        "encoder": config.source,
        "untrained": config.untrained,
        "sets": len(rows),
        "failed": statuses.count("failed"),
        "seed": config.seed,
        "table": str(folder / "table.md"),
        "output": str(folder),
    }
