"""Linear evaluation: a linear classifier on the features of a frozen encoder."""

import pathlib
from typing import Any

import numpy as np

from ressl_tf.config.evaluate_config import LinearConfig
from ressl_tf.engine.workdir import Workdir
from ressl_tf.evaluate import features, logistic, results, scores, supervised
from ressl_tf.evaluate.embeddings.examples import Examples, examples_of_files
from ressl_tf.evaluate.task import Task
from ressl_tf.models.classifier import Classifier
from ressl_tf.runtime.atomic import replacing


def evaluate(config: LinearConfig) -> dict[str, Any]:
    """Train the classifier and classify the test images; the encoder stays as it is.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read or the loss is NaN.
    """
    if config.bank:
        return evaluate_examples(config, examples_of_files(config))
    return supervised.run(config, _learn)


def _learn(config: LinearConfig, task: Task) -> dict[str, Any]:
    model = supervised.classifier(config, task, frozen=True)
    if config.solver == "lbfgs":
        line = _solve(model, config, task)
    else:
        line = supervised.train(model, config, task)
    return {**line, "solver": config.solver, "linear_top1": line["top1"]}


def evaluate_examples(config: LinearConfig, examples: Examples) -> dict[str, Any]:
    """Fit and classify features that are there already; as `evaluate`.

    Args:
        config: of the solver lbfgs. Its folder gets `head.npz`, kernel and bias.
        examples: features and labels.
    """
    line = _solve_examples(config, examples)
    results.write_json(pathlib.Path(config.run_dir) / "result.json", line)
    return line


def _solve_examples(config: LinearConfig, examples: Examples) -> dict[str, Any]:
    with Workdir(config, flag="--output") as workdir:
        known, labels = np.asarray(examples.bank, np.float32), examples.bank_labels
        solution = _fit(config, known, labels, examples.label_names)
        queries = np.asarray(examples.queries, np.float32)
        logits = queries @ solution.kernel + solution.bias
        figures = scores.report(logits, examples.query_labels, examples.label_names)
        title = f"linear on {examples.dataset}: {100 * figures['top1']:.1f} %"
        results.save_report(workdir.path, figures, title)
        head = workdir.path / "head.npz"
        with replacing(head) as temporary, open(temporary, "wb") as file:
            np.savez(file, kernel=solution.kernel, bias=solution.bias)
        return {
            **results.summary(config, examples, figures),
            "head": str(head),
            "output": str(workdir.path),
            **_of_solution(solution, known, labels),
            "solver": config.solver,
            "linear_top1": figures["top1"],
        }


def _fit(config: LinearConfig, known, labels, names) -> logistic.Logistic:
    return logistic.fit(
        known,
        labels,
        len(names),
        config.lbfgs_c,
        seed=config.seed,
        iterations=config.lbfgs_iterations,
    )


def _of_solution(solution: logistic.Logistic, known, labels) -> dict[str, Any]:
    fitted = scores.ranks(known @ solution.kernel + solution.bias, labels)
    return {
        "c": solution.c,
        "held_out_top1": solution.accuracies,
        "train_top1": float((fitted == 0).mean()),
    }


def _solve(model: Classifier, config: LinearConfig, task: Task) -> dict[str, Any]:
    """Fit the head by logistic regression on the features of whole images."""
    with Workdir(config, flag="--output") as workdir:
        encoder = task.encoder.feature_model()
        known, labels = features.extract(encoder, task.batches(task.train))
        solution = _fit(config, known, labels, task.label_names)
        model.head.set_weights([solution.kernel, solution.bias])
        figures = supervised.evaluate(model, task)
        return {
            **supervised.finish(model, config, task, workdir.path, figures),
            **_of_solution(solution, known, labels),
        }
