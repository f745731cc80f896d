"""One row an evaluator: how a sweep starts it, and the key of its accuracy."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class EvaluatorRow:
    """An evaluator of encoders, as a command line.

    Attributes:
        module: its command line, `python -m MODULE --workdir=RUN FLAGS`; its JSON line
            has `top1`.
        figure: key of that in the row of a sweep.
        flags: what a sweep gives it besides --workdir.
    """

    module: str
    figure: str
    flags: tuple[str, ...] = ()


EVALUATORS = {
    "knn": EvaluatorRow("ressl_tf.knn", figure="knn_all_top1"),
    "linear": EvaluatorRow(
        "ressl_tf.linear", figure="linear_top1", flags=("--solver=lbfgs",)
    ),
}
