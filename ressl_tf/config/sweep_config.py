"""The flags of `python -m ressl_tf.sweep`: those of training, and its own."""

import dataclasses

from ressl_tf.config.evaluator_table import EVALUATORS
from ressl_tf.config.method_flags import fill_teacher_temp
from ressl_tf.config.pretrain_config import Config
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import check, option


@dataclasses.dataclass(frozen=True)
class SweepConfig(Config):
    """What all runs have in common, and the grid of what they differ in.

    Two values that cannot be together are found in the grid's combinations: what this
    alone holds need not be a run.

    Raises:
        UsageError: when a value cannot be.
    """

    grid: tuple = option(
        (),
        "A flag of training and its values: --grid=teacher_temp=.03,.04,.05. Given "
        "several times, all combinations run, the last flag changing fastest. Commas "
        "separate values; semicolons do where a value has commas, and always for flags "
        "that are lists: --grid='crop_sizes=32,24;32,24,16'.",
        group="sweep",
        repeated=True,
        free=True,
    )
    evaluate: str = option(
        "none",
        "Evaluation of each run besides the kNN monitor of training: linear (lbfgs, "
        "ressl_tf.linear) or knn (of all images, ressl_tf.knn). It may be added later.",
        choices=("none", *EVALUATORS),
        free=True,
        former=("judge",),
    )
    output: str = option(
        "",
        "Folder for the runs, each in one that is named after its values, for "
        "runs.jsonl, table.md and sweep.png. Empty: runs/sweep-DATASET-FLAGS.",
        free=True,
        path=True,
    )

    def __post_init__(self):
        check(self)
        fill_teacher_temp(self)
        if not self.grid:
            raise UsageError(
                "give a --grid, such as --grid=teacher_temp=.03,.04,.05. Received: none"
            )
        if self.workdir:
            raise UsageError(
                "--output names the folder of a sweep and each run has its own in it. "
                f"Received: --workdir={self.workdir}"
            )

    @property
    def run_dir(self) -> str:
        """`output`, or the name that an empty one stands for."""
        dataset = self.dataset.rstrip("/").split("/")[-1].replace(":", "-")
        swept = "-".join(text.partition("=")[0] for text in self.grid)
        return self.output or f"runs/sweep-{dataset}-{swept}"
