"""Flags of `python -m ressl_tf.nodes`."""

import dataclasses
import pathlib

from ressl_tf.config.data_flags import PATHS
from ressl_tf.config.evaluate_config import LogisticFlags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class NodeConfig(LogisticFlags):
    """How the nodes of a graph are evaluated; docs/graphs.md says what each task is.

    Raises:
        UsageError: a value is not allowed, or does not go with another.
    """

    workdir: str = option(
        "", "The workdir of a run on a graph.", group="encoder", path=True
    )
    untrained: bool = option(
        False, "Give the same network random weights first: the floor to compare with."
    )
    model_selection: str = option(
        "last",
        "Checkpoint to evaluate: last, or validation: the one with the best "
        "mean accuracy on the validation nodes, as the official code of rgrl chooses; "
        "that uses labels. Train with a high --keep_checkpoints.",
        choices=("last", "validation"),
        former=("checkpoint",),
    )
    dataset: str = option(
        "",
        "graph:/path/file.npz; empty for the graph that the run was trained on.",
        group="data",
        path=PATHS,
    )
    tasks: tuple = option(
        ("classification",),
        "Tasks that the embeddings of the nodes are evaluated by, one or several; "
        "links needs a run that was trained with --holdout_edges.",
        group="tasks",
        choices=("classification", "similarity", "clustering", "links"),
        any_length=True,
    )
    features: str = option(
        "embeddings",
        "Features to evaluate: embeddings of the encoder, or raw, the features that "
        "the nodes came with: a floor that knows no edge.",
        choices=("embeddings", "raw"),
    )
    splits: int = option(
        20,
        "Random splits of the nodes into 10 % to learn from, 10 % for validation and "
        "80 % to classify. Too few: their mean is chance.",
        low=1,
        high=10_000,
    )
    solver: str = option(
        "adam",
        "Solver: adam, logistic regression by Adam on all training nodes, as the "
        "official code of rgrl; or lbfgs, with its regularisation chosen on a tenth "
        "of them.",
        choices=("adam", "lbfgs"),
    )
    probe_steps: int = option(
        100,
        "Steps of Adam, each on all training nodes. Too few: small embeddings are not "
        "fitted; too many: few nodes are overfitted.",
        low=1,
        high=1_000_000,
    )
    probe_learning_rate: float = option(
        0.01,
        "Learning rate of Adam. Too high: the loss swings; too low: 100 steps lead "
        "nowhere.",
        low=1e-9,
        high=1000.0,
    )
    seed: int = option(
        0,
        "Seed of random weights, of splits, and of every random choice among the "
        "nodes.",
        low=0,
        high=2**31 - 1,
    )
    output: str = option(
        "",
        "Folder for the results. Empty: a folder in the workdir.",
        group="results",
        free=True,
        path=True,
    )

    command = "nodes"

    def __post_init__(self) -> None:
        check(self)
        if not self.workdir:
            raise UsageError("--workdir must be given: the workdir of a run on a graph")
        if self.model_selection == "validation" and self.untrained:
            raise UsageError(
                "--model_selection=validation chooses among trained encoders. "
                "Received: --untrained"
            )

    @property
    def run_dir(self) -> str:
        """The folder of the results: `output`, or the default inside the workdir."""
        return self.output or str(pathlib.Path(self.workdir) / self.run_name)

    @property
    def run_name(self) -> str:
        """The name of the default folder, different for evaluations that differ."""
        solver = "-lbfgs" if self.solver == "lbfgs" else ""
        raw = "-raw" if self.features == "raw" else ""
        tasks = [f"-{task}" for task in self.tasks if self.tasks != ("classification",)]
        chosen = "-validation" if self.model_selection == "validation" else ""
        name = "".join(["nodes", solver, *tasks, raw, chosen])
        return name + "-untrained" * self.untrained
