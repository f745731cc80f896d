"""Flags of `python -m ressl_tf.finetune`."""

import dataclasses
import pathlib

from ressl_tf.config.evaluate_config import SupervisedConfig
from ressl_tf.config.finetune_flags import FinetuneFlags
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class FinetuneConfig(FinetuneFlags, SupervisedConfig):
    """Whole network or head, on all labels or few.

    Raises:
        UsageError: when a value, or two together, cannot be.
    """

    label_fraction: float = option(
        1.0,
        "Fraction of the labelled images that is used, drawn from each class by the "
        "seed, at least one of each: 0.01, 0.1, 1.",
        group="fine-tuning",
        low=1e-6,
        high=1.0,
    )
    label_list: str = option(
        "",
        "Text file that names the labelled images that are used, in place of a "
        "fraction: a file name a line, as SimCLR's lists of 1 % and 10 % of ImageNet.",
        path=True,
    )
    trainable: str = option(
        "all",
        "Trained part: all of the network, or the head alone on a frozen encoder.",
        choices=("all", "head"),
    )
    encoder_learning_rate: float = option(
        0.02,
        "Peak for the encoder. Too high: what pretraining learned is washed out; too "
        "low: it stays a linear probe.",
        low=0.0,
        high=1000.0,
    )
    layer_decay: float = option(
        1.0,
        "Factor on the encoder's rate from each block to the one below it. 1: none; "
        "0.5 to 0.9 keeps the first layers, which are general, with few labels.",
        low=0.01,
        high=1.0,
    )

    command = "finetune"

    def __post_init__(self):
        super().__post_init__()
        if self.label_list and self.label_fraction != 1:
            raise UsageError(
                "give one of --label_list and --label_fraction. Received: "
                f"--label_fraction={self.label_fraction:g} too"
            )

    @property
    def run_name(self) -> str:
        """The name of the results' folder."""
        head = "-head" if self.trainable == "head" else ""
        few = pathlib.Path(self.label_list).stem or f"{self.label_fraction:g}"
        name = f"finetune{head}-{few}-seed{self.seed}"
        return name + self.variant
