"""Flags of `python -m ressl_tf.svm`."""

import dataclasses

from ressl_tf.config.evaluate_config import EvaluateConfig
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class SVMConfig(EvaluateConfig):
    """Linear SVMs on the features of a frozen encoder, of few images and of all."""

    shots: tuple = option(
        (1, 2, 4, 8, 16, 32, 64, 0),
        "Images of each class to learn from, one number or several; 0 for all images.",
        group="svm",
        low=0,
        any_length=True,
    )
    draws: int = option(
        5, "Draws of each number of images, whose mean and spread are given.", low=1
    )
    draw: str = option(
        "class",
        "Images of a draw of k. class: for each class its own, k that show it and k "
        "times the number of other classes that do not (Goyal et al. 2019). pool: k "
        "that show each class, all together for every class (PCL).",
        choices=("class", "pool"),
    )
    svm_c: tuple = option(
        (0.001, 0.01, 0.1, 0.5, 1.0, 10.0),
        "Costs C of an error that are chosen from with all images, for each class by "
        "cross-validation in three parts of the training split. When an end of the "
        "list wins, extend it.",
        low=1e-12,
        any_length=True,
    )
    low_shot_c: float = option(
        0.5,
        "Cost C with few images, which leave none to choose it by. Too high: it fits "
        "every image; too low: all scores are alike.",
        low=1e-12,
    )
    average_precision: str = option(
        "area",
        "Average precision of a class. area: under precision made falling over "
        "recall, as VOC since 2010 and the papers' code have it. voc07: the mean at 11 "
        "recalls.",
        choices=("area", "voc07"),
    )
    batch_size: int = option(
        256, "Images at a time; memory, not results.", low=1, high=2**20, free=True
    )

    command = "svm"

    def __post_init__(self):
        super().__post_init__()
        if len(set(self.shots)) < len(self.shots):
            given = ",".join(map(str, self.shots))
            raise UsageError(f"--shots names a number twice. Received: {given}")
