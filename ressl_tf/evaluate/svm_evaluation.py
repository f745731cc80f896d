"""Mean average precision of linear SVMs on the features of a frozen encoder.

The low-shot protocol of VOC07: Goyal et al., Scaling and Benchmarking Self-Supervised
Visual Representation Learning (ICCV 2019), Sec. 6.1; Li et al., Prototypical
Contrastive Learning (ICLR 2021), Sec. 4.1.
"""

import logging
import pathlib
import statistics
from typing import Any

import numpy as np

from ressl_tf.config.svm_config import SVMConfig
from ressl_tf.data.multi_label import NOT_COUNTED, PRESENT
from ressl_tf.evaluate import few_images, linear_svm, results
from ressl_tf.evaluate.average_precision import average_precision
from ressl_tf.evaluate.multi_label_task import MultiLabelTask, open_multi_label
from ressl_tf.evaluate.vectors import unit_rows
from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")


class Classifiers:
    """The SVMs of all classes that are judged, on features of unit length.

    Args:
        task: features of images, and what they show.
        config: of the evaluation.

    Raises:
        UsageError: no class is shown, and lacking, in both splits.
    """

    def __init__(self, task: MultiLabelTask, config: SVMConfig):
        self.config, self.states = config, task.train.states
        self.known, self.asked = map(
            unit_rows, (task.train_features, task.test_features)
        )
        self.truth, self.names = task.test.states, task.train.names
        self.classes = _judged_classes(task)

    def few(self, shots: int, draw: int) -> float:
        """Return the mean average precision of one draw of few images."""
        c, found = self.config.low_shot_c, []
        for label in self.classes:
            rows = self._drawn(shots, draw, label)
            found.append(self._precision(label, rows, c))
        return float(np.mean(found))

    def _drawn(self, shots: int, draw: int, label: int) -> np.ndarray:
        """Return the images of a draw for the SVM of a class."""
        key = (self.config.seed, shots, draw)
        if self.config.draw == "pool":
            return few_images.pool(self.states, shots, np.random.default_rng(key))
        own = np.random.default_rng((*key, label))
        return few_images.of_class(self.states, label, shots, own)

    def whole(self) -> dict[str, Any]:
        """Return mean and each class's average precision and cost, of all images."""
        precisions, costs = {}, {}
        for label in self.classes:
            c = self._chosen_c(label)
            rows = np.arange(len(self.states))
            name = self.names[label]
            precisions[name], costs[name] = self._precision(label, rows, c), c
            log.info("%s: C %g, AP %.4f", name, c, precisions[name])
        mean = statistics.fmean(precisions.values())
        return {"map": mean, "per_class": precisions, "c": costs}

    def _chosen_c(self, label: int) -> float:
        rows = np.flatnonzero(self.states[:, label] != NOT_COUNTED)
        shown = self.states[rows, label] == PRESENT
        config = self.config
        if len(config.svm_c) == 1:
            return config.svm_c[0]
        form = config.average_precision
        chosen = linear_svm.chosen_c(
            self.known[rows], shown, config.svm_c, form=form, seed=config.seed
        )
        return config.low_shot_c if chosen is None else chosen

    def _precision(self, label: int, rows: np.ndarray, c: float) -> float:
        """Fit one class to these images, and judge it on the test images."""
        rows = rows[self.states[rows, label] != NOT_COUNTED]
        shown = self.states[rows, label] == PRESENT
        judged = np.flatnonzero(self.truth[:, label] != NOT_COUNTED)
        scores = linear_svm.scores(
            self.known[rows], shown, self.asked[judged], c, self.config.seed
        )
        truth = self.truth[judged, label] == PRESENT
        return average_precision(scores, truth, self.config.average_precision)


def evaluate(config: SVMConfig) -> dict[str, Any]:
    """Fit SVMs on few images of each class and on all, and judge them.

    Returns:
        The result, as the command line prints it.

    Raises:
        UsageError: when the encoder or the images cannot be used.
        RunError: when an image cannot be read.
    """
    task = open_multi_label(config, config.batch_size)
    classifiers = Classifiers(task, config)
    shots = sorted(set(config.shots) - {0})
    few = [_low_shot(classifiers, count, config.draws) for count in shots]
    line: dict[str, Any] = {
        "command": config.command,
        "encoder": config.source,
        "untrained": config.untrained,
        "dataset": task.dataset,
        **task.sizes,
        "classes": len(classifiers.classes),
        "map": None,
        "low_shot": few,
        "average_precision": config.average_precision,
        "draw": config.draw,
        "seed": config.seed,
        "output": config.run_dir,
    }
    if 0 in config.shots:
        line.update(classifiers.whole())
        _warn_of_ends(line["c"], config.svm_c)
        log.info("all images: mAP %.4f", line["map"])
    results.write_json(pathlib.Path(config.run_dir) / "result.json", line)
    return line


def _low_shot(classifiers: Classifiers, shots: int, draws: int) -> dict[str, Any]:
    """Return mean and standard deviation over the draws of so many images."""
    found = [classifiers.few(shots, draw) for draw in range(draws)]
    mean = statistics.fmean(found)
    std = statistics.stdev(found) if draws > 1 else None
    spread = "" if std is None else f" ± {std:.4f}"
    log.info("%d images a class: mAP %.4f%s", shots, mean, spread)
    return {"shots": shots, "map": mean, "std": std, "draws": found}


def _judged_classes(task: MultiLabelTask) -> list[int]:
    """Return the classes with images of both kinds in both splits; name the others."""
    whole = [
        (labels.states == state).any(axis=0)
        for labels in (task.train, task.test)
        for state in (PRESENT, 0)
    ]
    judged = np.logical_and.reduce(whole)
    if not judged.any():
        raise UsageError(
            f"no class of {task.dataset} is shown by some and not by other images of "
            "both splits, so that no average precision can be given"
        )
    if left := [task.train.names[label] for label in np.flatnonzero(~judged)]:
        log.warning(
            "%s: %d of %d classes are left out, that no image or every image of a "
            "split shows: %s%s",
            *(task.dataset, len(left), len(judged), ", ".join(left[:5])),
            ", ..." if len(left) > 5 else "",
        )
    return np.flatnonzero(judged).tolist()


def _warn_of_ends(chosen: dict[str, float], strengths: tuple[float, ...]) -> None:
    ends = {min(strengths), max(strengths)} if len(strengths) > 1 else set()
    if at_end := [name for name, c in chosen.items() if c in ends]:
        log.warning(
            "the best C of %d of %d classes is at an end of --svm_c: extend it",
            *(len(at_end), len(chosen)),
        )
