"""Flags of `python -m ressl_tf.transfer`."""

import dataclasses
from typing import Any, TypeVar

from ressl_tf.config.evaluate_config import EvaluateConfig, LogisticFlags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

EVALUATIONS = ("knn", "linear", "svm")
ConfigT = TypeVar("ConfigT", bound=EvaluateConfig)


@dataclasses.dataclass(frozen=True)
class TransferConfig(LogisticFlags, EvaluateConfig):
    """One encoder, several sets of images, and how it is evaluated on each."""

    dataset: tuple = option(  # type: ignore[assignment]
        (),
        "Labelled images, one set each time the flag is given: folder:/path, "
        "list:/a.csv, any TFDS name. None: those that the run was trained on.",
        repeated=True,
        free=True,
    )
    evaluations: tuple = option(
        ("knn", "linear"),
        "What is measured on each set: knn; linear, by lbfgs on whole images; svm, "
        "mean average precision, of sets with several labels an image, too.",
        choices=EVALUATIONS,
        any_length=True,
        group="evaluations",
        free=True,
    )
    knn_k: tuple = option(
        (20,), "Neighbours that vote, one number.", low=1, any_length=False
    )
    knn_temp: tuple = option((0.1,), "Temperature T of their votes.", low=0.001)
    batch_size: int = option(
        256, "Images at a time; memory, not results.", low=1, high=2**20, free=True
    )

    command = "transfer"

    def __post_init__(self):
        super().__post_init__()
        if len(set(self.dataset)) < len(self.dataset):
            raise UsageError(
                f"--dataset names a set twice. Received: {', '.join(self.dataset)}"
            )

    def of(self, cls: type[ConfigT], dataset: str, **others: Any) -> ConfigT:
        """Return the config of an evaluation on one of the sets.

        Args:
            cls: its class; flags that both have are the same.
            dataset: its name.
            **others: flags that differ.
        """
        mine = {field.name for field in dataclasses.fields(self)}
        own = {field.name for field in dataclasses.fields(cls)}
        shared = {name: getattr(self, name) for name in sorted(mine & own)}
        return cls(**{**shared, "dataset": dataset, **others})
