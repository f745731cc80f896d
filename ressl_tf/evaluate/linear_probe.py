"""Linear evaluation: a linear classifier on the features of a frozen encoder."""

from typing import Any

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, logistic, scores, supervised
from ressl_tf.evaluate.task import Task
from ressl_tf.models.classifier import Classifier


def evaluate(config: LinearConfig) -> dict[str, Any]:
    """Train the classifier and classify the test images; the encoder stays as it is.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
    """
    return supervised.run(config, _learn)


def _learn(config: LinearConfig, task: Task) -> dict[str, Any]:
    model = supervised.classifier(config, task, frozen=True)
    if config.solver == "lbfgs":
        line = _solve(model, config, task)
    else:
        line = supervised.train(model, config, task)
    return {**line, "solver": config.solver, "linear_top1": line["top1"]}


def _solve(model: Classifier, config: LinearConfig, task: Task) -> dict[str, Any]:
    """Fit the head by logistic regression on the features of whole images."""
    with Workdir(config, flag="--output") as workdir:
        encoder = task.encoder.feature_model()
        known, labels = features.extract(encoder, task.batches(task.train))
        solution = logistic.fit(
            known,
            labels,
            len(task.label_names),
            config.lbfgs_c,
            seed=config.seed,
            iterations=config.lbfgs_iterations,
        )
        model.head.set_weights([solution.kernel, solution.bias])
        figures = supervised.evaluate(model, task)
        fitted = scores.ranks(known @ solution.kernel + solution.bias, labels)
        return {
            **supervised.finish(model, config, task, workdir.path, figures),
            "c": solution.c,
            "held_out_top1": solution.accuracies,
            "train_top1": float((fitted == 0).mean()),
        }
