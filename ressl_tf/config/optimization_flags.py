"""The flags of optimization: how long, how fast, by which rule."""

import dataclasses

from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class OptimizationFlags:
    """How a run learns; a run is a function of these, too, and of its seed."""

    epochs: int = option(
        200,
        "Passes over the data. The schedule is stretched over them: a short run is a "
        "whole run.",
        group="optimization",
        low=1,
        high=1_000_000,
    )
    extend_epochs: int = option(
        0,
        "Epochs to go on for after --epochs, with queue, optimizer and target as they "
        "are: the learning rate restarts, with warm-up and schedule over these epochs; "
        "schedules of the method stretch over the longer run. Give it to a finished "
        "run. Too few: the restart costs more than it brings.",
        low=0,
        high=1_000_000,
        free=True,
    )
    batch_size: int = option(
        256,
        "Images a step, over all devices. When you change it, change the learning "
        "rate in proportion.",
        low=2,
        high=2**20,
    )
    optimizer: str = option(
        "sgd",
        "Optimizer: sgd; or lars for batches of thousands, where each layer moves in "
        "proportion to its weights and the learning rate is about 100 times that of "
        "sgd; or adamw (ViT, ConvNeXt, graphs), with a hundredth of that of sgd.",
        choices=("sgd", "lars", "adamw"),
    )
    trust_coefficient: float = option(
        1e-3,
        "Trust coefficient of lars: a layer's relative change at learning rate 1. Too "
        "high: NaN.",
        low=0.0,
        high=1.0,
    )
    learning_rate: float = option(
        0.06,
        "Peak of the schedule. Too high: NaN, or a loss that jumps; too low: a loss "
        "that hardly moves.",
        low=0.0,
        high=1000.0,
    )
    warmup_epochs: float = option(
        5.0,
        "Epochs of linear warm-up from 0; then --lr_schedule. Too short: NaN or a "
        "jump at the start.",
        low=0.0,
    )
    lr_schedule: str = option(
        "cosine",
        "Schedule of the learning rate after the warm-up: cosine to 0, or constant, as "
        "rgrl has it.",
        choices=("cosine", "constant"),
    )
    cosine_per_epoch: bool = option(
        False, "Let the cosine change once an epoch, as RSA's small sets do."
    )
    sgd_momentum: float = option(
        0.9,
        "Momentum of sgd or lars. Too high: the loss swings; too low: slow.",
        low=0.0,
        high=1.0,
    )
    weight_decay: float = option(
        5e-4,
        "L2 added to the gradient before the momentum (adamw: times the learning rate, "
        "taken off the weights). Too high: features shrink.",
        low=0.0,
        high=1.0,
    )
    weight_decay_end: float = option(
        0.0,
        "With adamw: decay at the end of --epochs, reached from --weight_decay by half "
        "a cosine (DINO: .04 to .4). 0: it stays the same.",
        low=0.0,
        high=1.0,
    )
    decay_bias_and_norm: bool = option(
        True,
        "Decay biases and batch normalisation too (small sets: yes; ImageNet: no).",
        former=("decay_vectors",),
    )
    clip_norm: float = option(
        0.0,
        "Largest norm of the gradient of all weights together; a longer one is scaled "
        "down to it before decay and momentum. Too low: every step is as long as the "
        "next, whatever the loss; too high: nothing is clipped. 0: none.",
        low=0.0,
        high=1e6,
    )
    seed: int = option(
        0,
        "Seed of weights, order and views; one seed, one result.",
        low=0,
        high=2**31 - 1,
    )

    @property
    def total_epochs(self) -> int:
        """Passes over the data, those of the extension included."""
        return self.epochs + self.extend_epochs

    def check_optimization(self) -> None:
        """Refuses flags that contradict one another.

        Raises:
            UsageError: names them.
        """
        if self.weight_decay_end and self.optimizer != "adamw":
            raise UsageError(
                "--weight_decay_end is of --optimizer=adamw. "
                f"Received: --optimizer={self.optimizer}"
            )
        if self.warmup_epochs > self.epochs:
            raise UsageError(
                f"--warmup_epochs must be at most --epochs={self.epochs}. "
                f"Received: {self.warmup_epochs}"
            )
