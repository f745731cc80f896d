"""The flags of the methods; a method ignores those that it does not use."""

import dataclasses
from typing import TYPE_CHECKING

from ressl_tf.config.method_table import kind_of, method_names
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option

if TYPE_CHECKING:
    from ressl_tf.config.pretrain_config import Config

MOMENTUM_SCHEDULES = ("constant", "cosine")
LOWEST_TEMP = 0.001


@dataclasses.dataclass(frozen=True)
class MethodFlags:
    """What is learned, and each method's numbers. `auto` leaves a choice to it."""

    method: str = option(
        "ressl",
        "Method: what is learned; docs/methods.md compares them. ressl_plus is our "
        "reading of a paper whose exact values are not public.",
        group="method",
        choices=method_names,
    )
    momentum: float = option(
        0.99,
        "Momentum of the target's moving average. Too low: the target follows the "
        "student and may collapse; too high for a short run: it stays near its start.",
        low=0.0,
        high=1.0,
    )
    momentum_schedule: str = option(
        "auto",
        "Schedule of --momentum: constant, or cosine, to 1 over the run. auto: cosine "
        "for rsa and byol, constant for the others.",
        choices=("auto", *MOMENTUM_SCHEDULES),
    )
    head: str = option(
        "auto",
        "Projector: plain (Linear-ReLU-Linear) or bn (batch normalisation before the "
        "ReLU, no last bias). auto: bn for rsa and byol, plain for the others. Without "
        "bn, rsa and byol may collapse.",
        choices=("auto", "plain", "bn"),
    )

    queue_size: int = option(
        4096,
        "Past embeddings K that an image is related to. Too low: a coarse relation; "
        "too high for the epoch: the oldest keys come from a target long gone.",
        group="queue (all but byol, rsa) and relation (ressl*, reco)",
        low=1,
        high=2**24,
    )
    student_temp: float = option(
        0.1,
        "Temperature of the student's relation. Too low: it may be as sharp as its "
        "teacher's and learns nothing from it; too high: it cannot follow.",
        low=0.001,
        high=10.0,
    )
    teacher_temp: float = option(
        0.0,
        "Temperature of the teacher's relation; 0 for the paper's: 0.04, of rgrl 0.01. "
        "Keep it well under the student's: near it nothing sharpens and the embeddings "
        "collapse; near 0 it is one neighbour.",
        low=0.0,
        high=10.0,
        former=("temp_t",),
    )

    crop_sizes: tuple = option(
        (),
        "Sides of the strong views in pixels, any number of them. Empty: five, as the "
        "paper's 224,192,160,128,96 are to 224. More views cost a forward and a "
        "backward pass each; too small ones show no object.",
        group="crops (ressl_multicrop)",
        low=1.0,
        high=1024.0,
        any_length=True,
    )
    crop_scales: tuple = option(
        (),
        "Low and high fraction of the image's area for each of --crop_sizes in turn. "
        "Empty: --crop_scale_min and 1, both times size / image_size. Too low: a view "
        "without the object; too high: a small view is a blurred large one.",
        low=0.01,
        high=1.0,
        any_length=True,
    )

    infonce_temp: float = option(
        0.2,
        "Temperature of InfoNCE. Too low: all that counts are the nearest wrong keys, "
        "often of the same class; too high: all keys count alike.",
        group="infonce (ressl_plus, mocov2, reco)",
        low=0.001,
        high=10.0,
    )
    infonce_warmup_epochs: float = option(
        5.0,
        "Warm-up of ressl_plus (our reading: the paper's value is not public): epochs "
        "until InfoNCE has no more weight. Too low: the relation starts on embeddings "
        "that say nothing; too high: what remains is contrast. 0: no warm-up.",
        low=0.0,
    )
    infonce_schedule: str = option(
        "switch",
        "Weight of InfoNCE in the warm-up of ressl_plus (our reading): 1 and then 0 "
        "(switch), or falling from 1 to 0 (linear, cosine).",
        choices=("switch", "linear", "cosine"),
    )

    predictor_depth: int = option(
        2,
        "Linear layers of the predictor, the head that only the student has. 0: none; "
        "byol and rsa then collapse.",
        group="predictor (ressl_plus, byol, rsa)",
        low=0,
        high=8,
    )
    predictor_dim: int = option(
        0,
        "Width of the predictor's hidden layers; 0: that of the projector. Too low: "
        "it cannot stand between student and target; too high: it learns in their "
        "place.",
        low=0,
        high=65536,
    )
    predictor_bn: bool = option(
        True,
        "Batch normalisation in the predictor. Without: slower, and byol and rsa may "
        "collapse.",
    )

    lambda1: float = option(
        1.0,
        "Weight of the relation (global). 0, and lambda2 too: MoCo v2. Too high: the "
        "queue of weak keys alone is followed.",
        group="reco",
        low=0.0,
        high=1000.0,
    )
    lambda2: float = option(
        1.0,
        "Weight of the mixed images (local). Too high: pasted borders are learned.",
        low=0.0,
        high=1000.0,
    )
    interpolation: str = option(
        "cutmix",
        "Mixing of two images: cutmix pastes a box, mixup fades over.",
        choices=("cutmix", "mixup"),
    )
    mixed_target: str = option(
        "query",
        "Target of a mixed image, besides the other image's key: query, the "
        "detached online feature (the paper), or key, the target's. If embedding_std "
        "falls and local is far below infonce, take key.",
        choices=("query", "key"),
    )

    beta0: float = option(
        0.4,
        "Weight, at the start, of strong views as targets of each other. Too low: the "
        "task is easy at first; too high: crops in false colours are made alike "
        "that mean different things.",
        group="rsa",
        low=0.0,
        high=1.0,
    )
    beta_schedule: str = option(
        "cosine",
        "Schedule of --beta0: cosine, to 0 over the run; constant: strong targets to "
        "the end; off: weak targets alone.",
        choices=("cosine", "constant", "off"),
    )


def fill_teacher_temp(config: "Config") -> None:
    """Give a teacher's temperature of 0 the value that it stands for, the papers'."""
    if not config.teacher_temp:
        teacher_temp = kind_of(config.dataset).teacher_temp
        object.__setattr__(config, "teacher_temp", teacher_temp)


def check_method(config: "Config") -> None:
    """Refuse what the method cannot do, and fill in what is left to it.

    Raises:
        UsageError: names the flag.
    """
    fill_teacher_temp(config)
    if config.teacher_temp < LOWEST_TEMP:
        raise UsageError(
            f"--teacher_temp must be 0 (the paper's) or at least {LOWEST_TEMP}. "
            f"Received: {config.teacher_temp}"
        )
    if config.method == "ressl_plus" and config.infonce_warmup_epochs > config.epochs:
        raise UsageError(
            f"--infonce_warmup_epochs must be at most --epochs={config.epochs}. "
            f"Received: {config.infonce_warmup_epochs}"
        )
